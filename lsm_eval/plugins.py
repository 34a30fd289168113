"""What other packages and task files bring along in code, run with every fault of theirs as one sentence."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from lsm_eval.errors import CodeFault, Interrupted, UserError

_OWN = Path(__file__).resolve().parent


def points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, of all packages that are installed."""
    return _points(group, tuple((folder, _changed(folder)) for folder in sys.path))


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except (OSError, TypeError, ValueError):  # what is no folder's name may stand there, too
        return 0


@lru_cache
def _points(group: str, where: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """`where`: the folders of `sys.path`, and when each was last changed. Reading the metadata of all packages takes tens
    of milliseconds, and a run asks dozens of times."""
    return tuple(entry_points(group=group))


def package(point: EntryPoint) -> str:
    """The name of the package that brings an entry point."""
    return point.dist.name if point.dist else point.value.partition(":")[0]


def load(point: EntryPoint, what: str) -> Any:
    """The object that an entry point names. Raises `UserError`, which starts with `what`, where it cannot be had."""
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise CodeFault(
            f"{what} of the package {package(point)} could not be loaded ({type(error).__name__}: {error}): "
            "update or remove that package."
        ) from error


@contextmanager
def calling(
    what: str, then: str, *, passing: type[Exception] | tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Runs code that is not our own: whatever it raises is a `CodeFault` "`what` failed (why, where): `then`.".

    Our own errors pass, as do those of `passing`, a full memory, and a user who stops the run.
    """
    try:
        yield
    except (UserError, Interrupted, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, passing):
            raise
        raise fault(error, what, then) from error


def fault(error: BaseException, what: str, then: str) -> CodeFault:
    """The sentence for what foreign code raised: "`what` failed (why, where): `then`."."""
    text = " ".join(str(error).split())
    why = f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
    return CodeFault(f"{what} failed ({why}{_place(error)}): {then}.")


def _place(error: BaseException) -> str:
    """File and line of the last step that was taken in code of neither ours nor a library's, if there is one."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not _library(Path(frame.filename))]
    frame = theirs[-1] if theirs else frames[-1] if frames else None
    return f", {Path(frame.filename).name}, line {frame.lineno}" if frame else ""


def _library(path: Path) -> bool:
    return (
        not path.is_file()
        or path.is_relative_to(_OWN)
        or "site-packages" in path.parts
        or "lib" in path.parts
    )
