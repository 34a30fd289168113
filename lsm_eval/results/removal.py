"""Removes records: only folders that contain a record and nothing else, and never through links."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.results.record_files import is_record
from lsm_eval.results.writer import ESTIMATES, MANIFEST, PROFILE, SAMPLES, UNFINISHED

_FILES = frozenset({MANIFEST, ESTIMATES, ".DS_Store"})
_FOLDERS = frozenset({SAMPLES, PROFILE})


def check_removable(folder: Path) -> None:
    """Raise `UserError` if `folder` is not a record (complete or broken), or contains anything that is not part of one."""
    own = Path(os.path.abspath(folder))  # noqa: PTH100 (`resolve` would follow the links that are looked for)
    above = own.parent.parent
    if os.path.realpath(own) != os.path.join(os.path.realpath(above), own.parent.name, own.name):  # noqa: PTH118
        raise UserError(
            f"{folder} is reached through a symbolic link, and lies elsewhere: nothing was removed; name the folder itself."
        )
    if not own.is_dir():
        raise UserError(f"{folder} is no folder: nothing was removed; name a record's.")
    if not (own / MANIFEST).is_file() or not is_record(own / MANIFEST):
        raise UserError(
            f"{folder} is no record, so nothing was removed: name folders that `lsm-eval records list` shows."
        )
    foreign = next(_foreign(own), None)
    if foreign is not None:
        raise UserError(
            f"{folder} holds {foreign}, which is no part of a record: nothing was removed; move it to another place first."
        )


def links_to(folder: Path) -> list[Path]:
    """Symbolic links that lead to the record, or into it, and will lead nowhere once it is removed: those in the folders above it, up to
    the folder of records (that of its model's folder), and in the models' folders beside its own."""
    own = os.path.realpath(folder)
    records = Path(own).parent.parent
    found = []
    for place in [records, *_folders_in(records)]:
        for link in _links_in(place):
            goal = os.path.realpath(link)
            if goal == own or goal.startswith(own + os.sep):
                found.append(link)
    return found


def _folders_in(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_dir(follow_symlinks=False))


def _links_in(folder: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in _entries(folder) if entry.is_symlink())


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing of one that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def remove_record(folder: Path) -> None:
    """Remove the record in `folder`, which `check_removable` has checked. It is renamed first, so that no reader sees half of it. Raises
    `UserError`."""
    own = Path(os.path.abspath(folder))  # noqa: PTH100
    # The next run into this folder removes what is left under such a name.
    aside = own.parent / f"{UNFINISHED}{os.getpid()}-removed-{own.name}"
    try:
        own.rename(aside)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be removed ({error.strerror}): check the folder's rights."
        ) from error
    shutil.rmtree(aside, ignore_errors=True)
    if aside.exists():
        raise UserError(f"{aside} could not be removed whole: remove what is left of it.")


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`, without following links."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118
            except OSError:
                continue
    return total


def _foreign(folder: Path) -> Iterator[str]:
    """Names in a record's folder that are not part of a record."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in _FILES and not is_folder:
                continue
            if entry.name not in _FOLDERS or not is_folder:
                yield entry.name
                continue
            with os.scandir(entry.path) as tables:
                for table in tables:
                    if table.is_dir(follow_symlinks=False) or not table.name.endswith(".parquet"):
                        yield f"{entry.name}/{table.name}"
