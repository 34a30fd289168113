"""Where an HTTP/1.1 answer's body ends, and what its bytes are (RFC 9112, 6 and 7): followed as bytes come, without copying them."""

from __future__ import annotations

from typing import Protocol

_LONGEST_LINE = 4096


class BrokenFraming(Exception):
    """The bytes are no such body."""


class Framing(Protocol):
    """Follows one body."""

    ends_with_connection: bool

    def feed(self, data: bytes, at: int = 0) -> int:
        """Take `data` from `at` on; where the body's bytes end in it: its length as long as the body goes on, or -1 - the place after the
        body's last byte where it ends there. Raises `BrokenFraming`."""
        ...

    def pieces(self, data: bytes, at: int = 0) -> tuple[list[bytes], bool]:
        """As `feed`, but gives the content in `data`, and whether it is over."""
        ...


class Chunked:
    """Transfer-Encoding: chunked."""

    ends_with_connection = False

    def __init__(self) -> None:
        self._skip = 0
        """Bytes of the chunk (and the line end after it) that have not come."""
        self._content = 0
        """Of these, the content's."""
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


class Counted:
    """Content-Length, or (None) all until the connection ends."""

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
        """Raises `BrokenFraming` where they are none."""
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
        """Whether the connection carries another answer."""

    def framing(self) -> Framing:
        """How its body ends."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return Chunked()
        if self.status in (204, 304):
            return Counted(0)
        length = self.headers.get("content-length")
        if length is None:
            return Counted(None)
        if not length.isdigit():
            raise BrokenFraming("its length is no number")
        return Counted(int(length))
