"""SHA-256 of files, cached for large files as long as they seem unchanged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

_SMALL = 16 * 2**20  # bytes; files up to this size are always read
_BLOCK = 64 * 2**10  # bytes
_BLOCKS = 16


class FileHashes:
    """Hashes by path. Hashing 16 GB takes a quarter of a minute, so those of large files are cached in a file.

    A cached hash is used if a file's size, modification time, change time (which no program can set), inode and device are
    the same, as well as its bytes in 16 blocks from start to end.
    """

    def __init__(self, cache: Path) -> None:
        """`cache`: the JSON file with cached hashes; it may be missing or damaged."""
        self._cache = cache
        self._known = _read(cache)
        self._fresh: dict[str, dict[str, Any]] = {}

    def of(self, path: Path) -> str:
        """SHA-256 (hex) of the file's bytes. Raises `UserError` if it cannot be read."""
        try:
            with path.open("rb") as file:
                before = os.fstat(file.fileno())
                if before.st_size <= _SMALL:
                    return hashlib.file_digest(file, "sha256").hexdigest()
                mark = {**_mark(before), "sample": _sample(file, before.st_size)}
                name = str(path.resolve())
                known = self._known.get(name)
                if isinstance(known, dict) and {k: known.get(k) for k in mark} == mark:
                    return str(known.get("sha256"))
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if _mark(os.fstat(file.fileno())) == _mark(before):
                    self._fresh[name] = {**mark, "sha256": digest}
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
        return digest

    def keep(self) -> None:
        """Write new hashes to the cache; if that fails, they are computed again next time."""
        if not self._fresh:
            return
        known = {**_read(self._cache), **self._fresh}
        with contextlib.suppress(OSError):
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._cache.parent, prefix=self._cache.name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(known, file)
                Path(name).replace(self._cache)
            finally:
                Path(name).unlink(missing_ok=True)


def _mark(stat: os.stat_result) -> dict[str, int]:
    return {
        "size": stat.st_size,
        "written": stat.st_mtime_ns,
        "changed": stat.st_ctime_ns,
        "inode": stat.st_ino,
        "device": stat.st_dev,
    }


def _sample(file: Any, size: int) -> str:
    total = hashlib.sha256()
    for at in range(_BLOCKS):
        file.seek((size - _BLOCK) * at // (_BLOCKS - 1))
        total.update(file.read(_BLOCK))
    return total.hexdigest()


def _read(cache: Path) -> dict[str, Any]:
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
