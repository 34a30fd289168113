"""The tasks of the suites that come with lsm-eval, and of those in included folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.progress import Progress


def check_included(include: Sequence[Path], progress: Progress) -> None:
    """Say which suites of the included folders have no column, because they are broken. Raises `UserError` for a folder that is not
    there."""
    from lsm_eval.tasks.registry import Registry, load_suite

    if not include:
        return
    for name, file in Registry(include).suites.items():
        if file.included or file.fault:
            try:
                load_suite(file)
            except UserError as error:
                progress.note(f"the suite {name} has no column: {error}")


def known_suites(include: Sequence[Path] = ()) -> dict[str, tuple[str, ...]]:
    """From each suite to its tasks, nested suites expanded. A suite with a broken file, or that names tasks by a pattern, is left out.
    `include`: folders with more suites."""
    from lsm_eval.tasks.registry import Registry, load_suite

    try:
        files = Registry(include).suites
    except UserError:
        return {}
    members: dict[str, list[str]] = {}
    for name, file in files.items():
        try:
            named = load_suite(file).tasks
        except UserError:
            continue
        members[name] = [task if isinstance(task, str) else task.task for task in named]
    found: dict[str, tuple[str, ...]] = {}
    for name in sorted(members):
        tasks = _opened(name, members, ())
        if tasks and not any("*" in task for task in tasks):
            found[name] = tuple(dict.fromkeys(tasks))
    return found


def _opened(name: str, members: dict[str, list[str]], within: tuple[str, ...]) -> list[str]:
    if name in within:
        return []
    tasks: list[str] = []
    for member in members[name]:
        tasks += _opened(member, members, (*within, name)) if member in members else [member]
    return tasks
