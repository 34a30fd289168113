"""Folders in which something is made that is renamed when whole, and what a killed process leaves of them.

Each holds a lock file that its process keeps locked (flock) while it lives: the system lets go of it however the process
ends, and whoever can lock it knows that nobody is at work there.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"
_MOMENT = 60.0
"""Seconds within which a process that made a folder has locked it, for sure."""
_HOUR = 3600.0
"""Seconds after which a folder counts as left behind where no lock tells (some network file systems)."""


@contextmanager
def workplace(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder `<prefix><pid>-…` in `parent`, for this process alone; gone afterwards, unless it was renamed.

    Call `unlock` before it is renamed. Raises `OSError` where it cannot be made.
    """
    made = Path(tempfile.mkdtemp(dir=parent, prefix=f"{prefix}{os.getpid()}-"))
    try:
        with (made / LOCK).open("w", encoding="utf-8") as lock:
            lock.write(f"{os.getpid()} {socket.gethostname()}\n")
            lock.flush()
            with suppress(OSError):
                _lock(lock.fileno())
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def unlock(made: Path) -> None:
    """Take the lock file away: the folder is whole, and about to be renamed."""
    (made / LOCK).unlink()


def abandoned(parent: Path, prefix: str) -> list[Path]:
    """Folders of `workplace` in `parent` whose process is gone; empty where `parent` cannot be read."""
    try:
        found = sorted(path for path in parent.iterdir() if path.name.startswith(prefix))
        return [path for path in found if path.is_dir() and not path.is_symlink() and _is_abandoned(path)]
    except OSError:
        return []


def clear(folders: list[Path]) -> list[Path]:
    """Remove the folders; returns those that are gone."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder for folder in folders if not folder.exists()]


def _is_abandoned(folder: Path) -> bool:
    try:
        age = time.time() - folder.stat().st_mtime
        with (folder / LOCK).open("r+", encoding="utf-8") as lock:
            if not _lock(lock.fileno()):
                return False
            pid, _, host = lock.read().strip().partition(" ")
        known = host == socket.gethostname() and pid.isdecimal()
        # Between making a folder and locking it lies a moment.
        return age > _MOMENT or (known and (int(pid) == os.getpid() or not _runs(int(pid))))
    except (OSError, ValueError):
        # No lock: of an earlier version, not locked yet, or just about to be renamed; or a system without locks.
        with suppress(OSError):
            return time.time() - folder.stat().st_mtime > _HOUR
        return False


def _lock(descriptor: int) -> bool:
    """Whether the file is locked by us now. Raises `OSError` where files cannot be locked."""
    try:
        import fcntl
    except ImportError as error:  # Windows
        raise OSError("no locks") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
