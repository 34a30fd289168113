"""The framing of HTTP/1.1 bodies (RFC 9112, 6 and 7): where a body ends and which bytes are content, tracked without copying."""

from __future__ import annotations

from typing import Protocol

_LONGEST_LINE = 4096


class BrokenFraming(Exception):
    """The bytes are not a valid body."""


class Framing(Protocol):
    """Tracks one body."""

    ends_with_connection: bool

    def feed(self, data: bytes, at: int = 0) -> int:
        """Process `data` from `at` on. Returns the length of `data` if the body continues after it, or -1 - p if the body ends in it, with p
        the position after its last byte. Raises `BrokenFraming`."""
        ...

    def pieces(self, data: bytes, at: int = 0) -> tuple[list[bytes], bool]:
        """As `feed`, but returns the content in `data`, and whether the body has ended."""
        ...


class ChunkedFraming:
    """Transfer-Encoding: chunked."""

    ends_with_connection = False

    def __init__(self) -> None:
        self._skip = 0
        """Outstanding bytes of the chunk and the line end after it."""
        self._content = 0
        """Outstanding bytes of content among them."""
        self._line = b""
        self._last = False

    def feed(self, data: bytes, at: int = 0) -> int:
        return self._follow(data, at, None)

    def pieces(self, data: bytes, at: int = 0) -> tuple[list[bytes], bool]:
        found: list[bytes] = []
        return found, self._follow(data, at, found) < 0

    def _follow(self, data: bytes, at: int, found: list[bytes] | None) -> int:
        size = len(data)
        while at < size:
            if self._skip:
                step = min(self._skip, size - at)
                if found is not None and self._content:
                    found.append(data[at : at + min(step, self._content)])
                self._content = max(self._content - step, 0)
                self._skip -= step
                at += step
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._line += data[at:]
                if len(self._line) > _LONGEST_LINE:
                    raise BrokenFraming("a chunk's length does not end")
                return size
            line = (self._line + data[at:end]).strip()
            self._line = b""
            at = end + 1
            if self._last:
                if not line:
                    return -1 - at
                continue  # a trailer
            try:
                length = int(line.split(b";", 1)[0], 16)
            except ValueError:
                raise BrokenFraming("a chunk has no length") from None
            if length < 0:
                raise BrokenFraming("a chunk has no length")
            self._last = length == 0
            self._content = length
            self._skip = length + 2 if length else 0
        return size


class LengthFraming:
    """A body with a Content-Length, or (None) one that ends with the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.ends_with_connection = length is None

    def feed(self, data: bytes, at: int = 0) -> int:
        if self._left is None:
            return len(data)
        step = min(self._left, len(data) - at)
        self._left -= step
        return -1 - (at + step) if not self._left else len(data)

    def pieces(self, data: bytes, at: int = 0) -> tuple[list[bytes], bool]:
        end = self.feed(data, at)
        return ([data[at : -1 - end]], True) if end < 0 else ([data[at:]], False)


class Head:
    """An answer's status line and headers."""

    def __init__(self, content: bytes) -> None:
        """Raises `BrokenFraming` if they are invalid."""
        lines = content.split(b"\r\n")
        parts = lines[0].split(b" ", 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise BrokenFraming("it is no answer of HTTP/1.1")
        self.status = int(parts[1])
        self.headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        wanted = self.headers.get("connection", "").lower()
        self.keeps = "close" not in wanted and (parts[0] != b"HTTP/1.0" or "keep-alive" in wanted)
        """Whether the connection stays open for another answer."""

    def framing(self) -> Framing:
        """The framing of its body."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return ChunkedFraming()
        if self.status in (204, 304):
            return LengthFraming(0)
        length = self.headers.get("content-length")
        if length is None:
            return LengthFraming(None)
        if not length.isdigit():
            raise BrokenFraming("its length is no number")
        return LengthFraming(int(length))
