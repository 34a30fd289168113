"""Samples that a run selects by id (`--sample-ids`)."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence

from lsm_eval.errors import UserError
from lsm_eval.paths import expanded, is_file

OPTION = "--sample-ids"


def read_chosen(given: str | Sequence[str]) -> tuple[str, ...]:
    """The lines of the file of that name, or else the ids between commas; a list is returned unchanged. Each is an id, or a
    task and an id (`by_task`). Raises `UserError`."""
    if not isinstance(given, str):
        lines = list(given)
    elif is_file(given):
        try:
            lines = expanded(given).read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            raise UserError(
                f"{OPTION} {given}: cannot be read ({error.strerror}); check its rights."
            ) from error
        except UnicodeDecodeError as error:
            raise UserError(f"{OPTION} {given}: is not UTF-8 text; save it as UTF-8.") from error
    else:
        lines = given.split(",")
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise UserError(
            f"{OPTION} {given}: names no sample; give ids between commas, or a file with one a line."
        )
    return found


def by_task(lines: Sequence[str], tasks: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The ids that are asked of each task, sorted, each once.

    A line with a tab is a task and an id. So is one that starts with the name of a task that is asked, and a space. Any other
    is an id, asked of every task. Raises `UserError` for a task that is not asked, and for one without a named sample.
    """
    found: dict[str, set[str]] = {task: set() for task in tasks}
    for line in lines:
        task, tab, own = line.partition("\t")
        if not tab:
            task, space, own = line.partition(" ")
            if not space or task not in found:
                for ids in found.values():
                    ids.add(line)
                continue
        if task.strip() not in found:
            raise UserError(
                f"{OPTION} names the task {task.strip()!r}, which is not asked{_near(task, found)}"
            )
        found[task.strip()].add(own.strip())
    empty = next((task for task, ids in found.items() if not ids), None)
    if empty is not None:
        raise UserError(f"{OPTION} names no sample of {empty}: name one, or leave the task out.")
    return {task: tuple(sorted(ids)) for task, ids in found.items()}


def indices(wanted: Sequence[str], ids: Sequence[str], task: str) -> list[int]:
    """Indices of the wanted samples among all of a task's, ascending. Raises `UserError` for one that does not exist."""
    places: Mapping[str, int] = {name: at for at, name in enumerate(ids)}
    lacking = [name for name in wanted if name not in places]
    if lacking:
        more = f" (and {len(lacking) - 1} more are not there)" if len(lacking) > 1 else ""
        raise UserError(f"{OPTION}: {task} has no sample {lacking[0]!r}{more}{_near(lacking[0], ids)}")
    return sorted(places[name] for name in wanted)


def digest(wanted: Sequence[str]) -> str:
    """`<number>/<hash>` of the chosen samples, independent of their order, for signatures."""
    content = json.dumps(sorted(set(wanted)), ensure_ascii=True)
    return f"{len(set(wanted))}/{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name.strip(), [*known], n=1, cutoff=0)
    return f": did you mean {near[0]!r}?" if near else "."
