"""Storage for bytes until they are read: in memory, and beyond a limit in an unnamed temporary file."""

from __future__ import annotations

import tempfile
from typing import IO

MOST_BYTES = 256 * 2**20
"""Largest amount held in memory; a second of 500 streams with 50 tokens each has about 6 MB."""


class Spool:
    """Stores pieces of bytes and returns them."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._held = most, 0
        self._file: IO[bytes] | None = None
        self._end = 0

    def keep(self, parts: list[bytes]) -> tuple[int, list[int]] | None:
        """Store the pieces of a finished answer. Returns None if they stay in memory, else their place in the file; `parts` is then
        empty."""
        size = sum(map(len, parts))
        if self._held + size <= self._most:
            self._held += size
            return None
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as this
        place = self._end, [len(part) for part in parts]
        self._file.write(b"".join(parts))
        self._end += size
        parts.clear()
        return place

    def take(self, parts: list[bytes], place: tuple[int, list[int]] | None) -> list[bytes]:
        """The pieces again; the spool may then forget them."""
        if place is None:
            self._held -= sum(map(len, parts))
            return parts
        assert self._file is not None
        start, sizes = place
        self._file.seek(start)
        content = self._file.read(sum(sizes))
        found, at = [], 0
        for size in sizes:
            found.append(content[at : at + size])
            at += size
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
