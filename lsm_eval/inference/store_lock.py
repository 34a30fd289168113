"""Locks a store's file, for any number of runs at a time, or for one command that removes it.

The lock (flock) is on an empty file beside the store. The system releases it however a process ends.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def lock_file(store: Path) -> Path:
    """The file that is locked."""
    return store.with_suffix(".lock")


def locked(store: Path, *, alone: bool = False) -> BinaryIO | None:
    """Locks a store, shared or `alone`, until the returned file is closed. None if the system or the file system has no such
    locks. Raises `BlockingIOError` if `alone` and the store is in use."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    path = lock_file(store)
    wanted = fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH
    while True:
        try:
            file = path.open("ab")
        except OSError:
            return None
        try:
            fcntl.flock(file.fileno(), wanted)
            if _is_at(file, path):
                return file
            file.close()  # it was removed with its store while this waited
        except BlockingIOError:
            file.close()
            raise
        except OSError:
            file.close()
            return None


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is the one at this path now."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(file.fileno())
    return (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)
