"""Leaves out tasks that cannot be asked, and reports them, while the others are asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.faults import message
from lsm_eval.paths import is_folder
from lsm_eval.progress import Progress
from lsm_eval.results.redaction import withheld
from lsm_eval.results.schema import LeftOutRow

_ROOT = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:)?[/\\]")
_CLOSE = re.compile(r"[/\\]")
_PATHS = 100  # that a reason may name
_MOST = 400  # characters of a folder's name, and of what is looked through for its end


class LeftOut:
    """The errors of single tasks of a run, in the order in which they appeared."""

    def __init__(self, *, strict: bool, command: Sequence[str] = ()) -> None:
        """`strict`: leave nothing out, but raise the first error. `command`: for the log of a fault in foreign
        code."""
        self._strict, self._command = strict, command
        self._errors: dict[str, UserError] = {}
        self._rows: dict[str, LeftOutRow] = {}
        self._said = 0
        self._aside: list[str] = []

    def take(self, task: str, error: UserError, *, withhold: bool = False) -> None:
        """Leave `task` out because of `error`, which is raised if the run is strict. `withhold`: the record keeps
        only a hash of the reason, which may quote the task's texts."""
        if self._strict:
            raise _named(task, error)
        why = str(error).removeprefix(f"{task}: ")
        self._errors.setdefault(task, error)
        self._rows.setdefault(
            task, LeftOutRow(task=task, why=withheld(why) if withhold else _without_folders(why))
        )

    def aside(self, note: str) -> None:
        """Add a note that concerns no requested task; it is reported with the others."""
        self._aside.append(note)

    @contextmanager
    def unless(self, task: str, *, withhold: bool = False) -> Iterator[None]:
        """Context in which a user's mistake leaves out `task` and no other."""
        try:
            yield
        except UserError as error:
            self.take(task, error, withhold=withhold)

    def __contains__(self, task: str) -> bool:
        return task in self._rows

    @property
    def rows(self) -> list[LeftOutRow]:
        """For the record."""
        return list(self._rows.values())

    def say(self, progress: Progress) -> None:
        """Report what was left out since the last call, each with its reason."""
        for task, error in list(self._errors.items())[self._said :]:
            why = message(error, self._command).removeprefix(f"{task}: ")
            progress.note(f"{task} is left out: {why}")
        self._said = len(self._errors)
        for note in self._aside:
            progress.note(note)
        self._aside.clear()

    def check(self, remaining: int, progress: Progress | None = None) -> None:
        """Raise `UserError` if no task remains; if all have the same reason, it is that."""
        if remaining or not self._errors:
            return
        task, error = next(iter(self._errors.items()))
        if len({str(other).removeprefix(f"{name}: ") for name, other in self._errors.items()}) == 1:
            raise error
        if progress is not None:
            self.say(progress)
        raise UserError(
            f"none of the {len(self._errors)} tasks can be asked; the first is {task}, because: "
            f"{str(error).removeprefix(f'{task}: ')}"
        )


def _without_folders(why: str) -> str:
    """The reason with file names instead of paths on this machine, since a record may be published."""
    kept, at = [], 0
    for root in islice(_ROOT.finditer(why), _PATHS):
        if root.start() < at:
            continue
        # The longest existing folder name, since names may contain spaces, and sentences slashes.
        rest = why[root.end() : root.start() + _MOST].partition("\n")[0]
        ends = [root.end() + close.end() for close in _CLOSE.finditer(rest)]
        end = next((end for end in reversed(ends) if is_folder(Path(why[root.start() : end]))), None)
        if end is not None:
            kept.append(why[at : root.start()])
            at = end
    return "".join(kept) + why[at:]


def _named(task: str, error: UserError) -> UserError:
    """The same error, in a sentence that names the task."""
    named = re.search(rf"(?<![\w.-]){re.escape(task)}(?![\w.-])", str(error))
    return error if named else UserError(f"{task}: {error}")


def summary(rows: list[LeftOutRow], number: int) -> str:
    """One sentence for the end of a run that left tasks out."""
    names = ", ".join(row.task for row in rows)
    return (
        f"{len(rows)} of {number + len(rows)} tasks {'was' if len(rows) == 1 else 'were'} left out ({names}), so the numbers "
        "are not whole: the reasons stand above and in the record; --strict asks nothing unless all can be asked."
    )
