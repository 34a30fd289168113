"""Server-sent events (WHATWG HTML, 9.2.6), parsed incrementally, in time linear in their bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Events:
    """Takes bytes, split anywhere, and returns events: name (empty if it has none) and data."""

    _held: list[bytes] = field(default_factory=list)
    """The pieces of the line that has not ended yet."""
    _data: list[bytes] = field(default_factory=list)
    """Lines of the event that has not ended yet."""
    _name: bytes = b""
    _returned: bool = False
    """Whether the last byte was a carriage return, so that a line feed may belong to it."""
    _begun: bool = False

    def feed(self, data: bytes) -> list[tuple[str, bytes]]:
        """The events that end in `data`."""
        if self._returned and data:
            self._returned = False
            data = data[1:] if data.startswith(b"\n") else data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not end:
            if data:
                self._held.append(data)
            return []
        lines = b"".join([*self._held, data[:end]]) if self._held else data[:end]
        self._held = [data[end:]] if end < len(data) else []
        self._returned = data.endswith(b"\r")
        return self._read(lines)

    def end(self) -> list[tuple[str, bytes]]:
        """The events left when no more data comes: many servers leave out the blank line after the last one."""
        lines = b"".join(self._held)
        self._held = []
        return self._read(lines + b"\n\n")

    def _read(self, text: bytes) -> list[tuple[str, bytes]]:
        if not self._begun:
            self._begun = True
            text = text.removeprefix(_BOM)
        found: list[tuple[str, bytes]] = []
        for line in text.splitlines():
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif not line:
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    found.append((self._name.decode("utf-8", "replace"), data))
                    self._data = []
                self._name = b""
            elif line.startswith(b"event:"):
                self._name = line[6:].removeprefix(b" ")
            elif line == b"data":
                self._data.append(b"")
            elif line == b"event":
                self._name = b""
            # Everything else is ignored: comments, ids, retry times, unknown fields.
        return found
