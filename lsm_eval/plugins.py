"""Code of other packages and of task files: found, loaded and run, each of its faults reported as one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import CodeFault, Interrupted, UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OWN = Path(__file__).resolve().parent


def points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, from all installed packages."""
    where = tuple((folder, _changed(folder)) for folder in sys.path)
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    listed = _listed(where) if finders == [PathFinder] else None
    return _points(group, where) if listed is None or group.encode() in listed else ()


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except (OSError, TypeError, ValueError):  # `sys.path` may hold what is not a folder's name
        return 0


@lru_cache
def _points(group: str, where: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """`where`: the folders of `sys.path`, and when each was last changed. Cached, as reading the metadata of all packages
    takes tens of milliseconds and a run needs it dozens of times."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


@lru_cache
def _listed(where: tuple[tuple[str, int], ...]) -> bytes | None:
    """The files in which packages list their entry points, joined: reading them raw takes a tenth of the time, and most
    groups occur in none. None if there may be packages outside of these folders."""
    found = []
    for folder, _ in where:
        try:
            found += [
                _text(f"{folder or '.'}/{name}/entry_points.txt")
                for name in os.listdir(folder or ".")  # noqa: PTH208 (texts take less time than paths)
                if name.lower().endswith((".dist-info", "egg-info"))
            ]
        except (FileNotFoundError, TypeError, ValueError):  # `sys.path` may hold what is not a folder's name
            continue
        except OSError:
            return None
    return b"\n".join(found)


def _text(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def package(point: EntryPoint) -> str:
    """The name of the package that an entry point belongs to."""
    return point.dist.name if point.dist else point.value.partition(":")[0]


def load(point: EntryPoint, what: str) -> Any:
    """The object that an entry point names. Raises `UserError`, which starts with `what`, if it cannot be loaded."""
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
    """Runs foreign code: whatever it raises becomes a `CodeFault`, "`what` failed (why, where): `then`.".

    Our own errors, those in `passing`, `MemoryError` and `Interrupted` pass unchanged.
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
    """The `CodeFault` for what foreign code raised: "`what` failed (why, where): `then`."."""
    text = " ".join(str(error).split())
    why = f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
    return CodeFault(f"{what} failed ({why}{_place(error)}): {then}.")


def _place(error: BaseException) -> str:
    """File and line of the last frame that is neither in our code nor in a library; of the last of all if there is none."""
    import traceback

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
