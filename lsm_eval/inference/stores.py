"""Lists the files of a response store with their models, and removes one that no run is using."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.inference.store_lock import lock_file, locked

_NAME = re.compile(r"[0-9a-f]{32}")
_BESIDE = ("-wal", "-shm", "-journal")
"""Suffixes of SQLite's files beside a database that is open, or whose process was killed."""


_NO_STORE = "no such table: answers"
"""SQLite's error for a database that is not a response store, and is not removed here."""


@dataclass(frozen=True, slots=True)
class StoreFile:
    """The answers of one model under one set of versions."""

    path: Path
    model: str | None
    """None if the file does not say, as in early versions."""
    version: str | None
    """The version of lsm-eval; None if the file does not say."""
    answers: int | None
    """The number of answers; None if the file cannot be read."""
    bytes: int
    used: datetime
    """When a run last opened it, if the file says; otherwise when it was last written."""
    fault: str | None = None
    """Why it cannot be read."""

    @property
    def id(self) -> str:
        """The file's name."""
        return self.path.stem


def store_files(folder: Path) -> list[StoreFile]:
    """All files of the store in `folder`, the one that was used last first; none if there is no such folder. Raises
    `UserError` if the folder cannot be read."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".sqlite")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(
            f"the response store {folder} cannot be read ({error.strerror}): name its folder with --store DIR."
        ) from error
    own = [path for path in paths if _NAME.fullmatch(path.stem) and path.is_file() and not path.is_symlink()]
    found = [one for one in map(_read, own) if one.fault is None or _NO_STORE not in one.fault]
    return sorted(found, key=lambda one: one.used, reverse=True)


def remove_file(file: StoreFile) -> None:
    """Removes a file. Raises `UserError`, and removes nothing, if a run is using it."""
    try:
        lock = locked(file.path, alone=True)
    except BlockingIOError as error:
        raise _in_use(file) from error
    try:
        with closing(sqlite3.connect(file.path.absolute(), timeout=0, isolation_level=None)) as db:
            _take(db, file)
            # The main file last, as the others belong to it.
            for path in (*(file.path.with_name(file.path.name + end) for end in _BESIDE), file.path):
                path.unlink(missing_ok=True)
        lock_file(file.path).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{file.path} cannot be removed ({error.strerror}): check its rights, or end what uses it."
        ) from error
    finally:
        if lock is not None:
            lock.close()


def _take(db: sqlite3.Connection, file: StoreFile) -> None:
    """Takes the file for this connection alone, unless it is damaged. Raises `UserError` if another has it open, such as a run of a
    version without locks, or on a system without them."""
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        mode = str(db.execute("PRAGMA journal_mode = DELETE").fetchone()[0])
        db.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise _in_use(file) from error
        return
    except sqlite3.DatabaseError:
        return
    if mode != "delete":
        raise _in_use(file)


def _in_use(file: StoreFile) -> UserError:
    return UserError(
        f"the answers of {file.model or file.id} are in use by a run, and stay: wait until it has ended, or stop it."
    )


def _read(path: Path) -> StoreFile:
    used, size = _on_disk(path)
    try:
        with closing(_opened(path)) as db:
            (answers,) = db.execute("SELECT count(*) FROM answers").fetchone()
            known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone()
            about = dict(db.execute("SELECT name, value FROM about")) if known else {}
    except (sqlite3.Error, TypeError, ValueError) as error:
        return StoreFile(path, None, None, None, size, used, str(error))
    return StoreFile(
        path,
        _text(about.get("model")),
        _text(about.get("lsm-eval")),
        answers,
        size,
        _time(about.get("used")) or used,
    )


def _opened(path: Path) -> sqlite3.Connection:
    """Opens an existing file, without creating one."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", timeout=5, uri=True)
    db.text_factory = lambda content: content.decode("utf-8", "replace")
    return db


def _on_disk(path: Path) -> tuple[datetime, int]:
    """When it was last written, and its size in bytes, including SQLite's files beside it."""
    moment, size = 0.0, 0
    for own in (path, *(path.with_name(path.name + end) for end in _BESIDE)):
        try:
            found = own.stat()
        except OSError:
            continue
        moment, size = max(moment, found.st_mtime), size + found.st_size
    return datetime.fromtimestamp(moment, UTC), size


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
