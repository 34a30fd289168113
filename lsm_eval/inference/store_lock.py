"""Who uses a store's file: any number of runs at a time, or one command that removes it.

The lock (flock) is on a file beside the store that holds nothing. The system lets go of it however a process ends.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def lock_file(store: Path) -> Path:
    """The file that is locked."""
    return store.with_suffix(".lock")


def locked(store: Path, *, alone: bool = False) -> BinaryIO | None:
    """A lock on a store, shared with others or `alone`, until the file that is returned is closed. None where the system or
    the place has no such locks. Raises `BlockingIOError` where it is to be had alone and is in use."""
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
            file.close()  # it was removed with its store while this waited for it
        except BlockingIOError:
            file.close()
            raise
        except OSError:
            file.close()
            return None


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is the one that has this name now."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(file.fileno())
    return (own.st_dev, own.st_ino) == (found.st_dev, found.st_ino)
