"""Reads files of other tools with limits: nothing is unpacked to disk, and compressed files may not expand too much."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.importing.shape import wrong

MOST_BYTES = 1024 * 2**20
"""The most bytes of a JSON file, and of everything that is read from a zip file."""
MOST_MEMBER = 256 * 2**20
"""The most bytes of one file inside a zip file, and of one line."""
MOST_TIMES = 2000
"""The most by which a file inside a zip file may expand (JSON expands at most about 50 times),
once it is larger than a mebibyte."""
_ZSTANDARD = 93
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")


def parse(content: bytes | str, path: Path, what: str = "it") -> Any:
    """Parse JSON. Raises `UserError`."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise wrong(path, f"{what} is nested too deep") from error
    except ValueError as error:
        raise wrong(path, f"{what} is no JSON ({str(error)[:120]})") from error


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises `UserError`."""
    return parse(_bytes(path), path)


def read_lines(path: Path) -> Iterator[Any]:
    """Each line of a JSON Lines file. Raises `UserError`."""
    for place, line in enumerate(_bytes(path).split(b"\n"), 1):
        if line.strip():
            yield parse(line, path, f"line {place}")


def sha256(path: Path) -> str:
    """The file's hash."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UserError(f"{path} is no file: name a result file of lm-eval, Inspect or Every Eval Ever.")
        if path.stat().st_size > MOST_BYTES:
            raise wrong(path, f"it has more than {MOST_BYTES // 2**20:,} MiB")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise wrong(path, f"it cannot be read ({reason})") from error
    return content.removeprefix(b"\xef\xbb\xbf")


class Archive:
    """JSON files inside a zip file, read one by one."""

    def __init__(self, path: Path) -> None:
        """Raises `UserError` if it is not a zip file."""
        self.path = path
        self._left = MOST_BYTES
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise wrong(path, f"it is no whole zip file ({error})") from error
        self._members = {info.filename: info for info in self._zip.infolist()}

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def names(self) -> list[str]:
        """Names of all files in it."""
        return list(self._members)

    def json(self, name: str) -> Any:
        """The JSON content of one of them. Raises `UserError`."""
        return parse(self._content(name), self.path, name)

    def _content(self, name: str) -> bytes:
        info = self._members.get(name)
        if info is None:
            raise wrong(self.path, f"it has no {name}")
        if info.flag_bits & 1:
            raise wrong(self.path, f"{name} is encrypted")
        most = min(MOST_MEMBER, self._left, max(2**20, MOST_TIMES * info.compress_size))
        if info.file_size > most:
            raise self._bomb(name)
        try:
            content = (
                self._zstandard(info, most) if info.compress_type == _ZSTANDARD else self._plain(info, most)
            )
        except UserError:
            raise
        except Exception as error:  # zipfile, zlib, lzma and Arrow each raise their own errors
            raise wrong(self.path, f"{name} in it is broken ({str(error)[:120]})") from error
        if len(content) > most:
            raise self._bomb(name)
        if zlib.crc32(content) != info.CRC:
            raise wrong(self.path, f"{name} in it is broken (its checksum is another)")
        self._left -= len(content)
        return content

    def _plain(self, info: zipfile.ZipInfo, most: int) -> bytes:
        with self._zip.open(info) as file:
            return file.read(most + 1)

    def _zstandard(self, info: zipfile.ZipInfo, most: int) -> bytes:
        """Inspect's compression, which Python's zipfile reads only from 3.14 on."""
        import pyarrow as pa

        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
            if header[0] != b"PK\x03\x04":
                raise ValueError("no header")
            file.seek(header[9] + header[10], 1)
            packed = file.read(min(info.compress_size, MOST_BYTES))
        parts, size = [], 0
        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            while size <= most and (part := stream.read(min(2**20, most + 1 - size))):
                parts.append(part)
                size += len(part)
        return b"".join(parts)

    def _bomb(self, name: str) -> UserError:
        return wrong(self.path, f"{name} in it unpacks to more than such a file should")
