"""Temporary folders for output that is renamed when complete, and the cleanup of those that killed processes left.

Each contains a lock file that its process keeps locked (flock) while it runs. The system releases the lock however the process
ends, so a process that can lock the file knows that nobody is using the folder.
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
"""Seconds within which a process has surely locked the folder that it made."""
_HOUR = 3600.0
"""Seconds after which a folder counts as abandoned on file systems without locks (some network file systems)."""


@contextmanager
def staging_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder `<prefix><pid>-…` in `parent` for this process alone; removed afterwards, unless it was renamed.

    Call `unlock` before it is renamed. Raises `OSError` if it cannot be made.
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
    """Remove the lock file: the folder is complete and about to be renamed."""
    (made / LOCK).unlink()


def abandoned(parent: Path, prefix: str) -> list[Path]:
    """Folders of `staging_folder` in `parent` whose process has ended; empty if `parent` cannot be read."""
    try:
        found = sorted(path for path in parent.iterdir() if path.name.startswith(prefix))
        return [path for path in found if path.is_dir() and not path.is_symlink() and _is_abandoned(path)]
    except OSError:
        return []


def clear(folders: list[Path]) -> list[Path]:
    """Remove the folders; returns those that were removed."""
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
        # A folder is locked only a moment after it is made.
        return age > _MOMENT or (known and (int(pid) == os.getpid() or not _runs(int(pid))))
    except (OSError, ValueError):
        # Without a lock file: made by an earlier version, not locked yet, or about to be renamed; or the system has no locks.
        with suppress(OSError):
            return time.time() - folder.stat().st_mtime > _HOUR
        return False


def _lock(descriptor: int) -> bool:
    """Tries to lock the file; returns whether it is now locked by us. Raises `OSError` if files cannot be locked."""
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
