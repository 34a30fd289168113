"""Joins the fields of a message that is streamed in parts."""

from __future__ import annotations

from typing import Any

_TEXTS = ("text", "summary")


class Pieces:
    """One message's fields: strings and lists are joined, other values replace earlier ones."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[Any]] = {}

    def add(self, fields: dict[str, Any]) -> bool:
        """Take the fields of one part. Returns whether it holds any text."""
        worded = False
        for name, value in fields.items():
            if value is None or value == "":
                self._pieces.setdefault(name, [])
                continue
            if name != "role" and name != "type":
                worded = worded or isinstance(value, str | list)
            self._pieces.setdefault(name, []).append(value)
        return worded

    def texts(self) -> list[str]:
        """All pieces of text, field by field."""
        return [one for pieces in self._pieces.values() for one in pieces if isinstance(one, str)]

    def whole(self) -> dict[str, Any]:
        """The fields of the complete message; None for fields without a value."""
        return {name: _value(name, pieces) for name, pieces in self._pieces.items()}


def _value(name: str, pieces: list[Any]) -> Any:
    if not pieces:
        return None
    if name in ("role", "type"):
        return pieces[-1]
    if all(isinstance(one, str) for one in pieces):
        return "".join(pieces)
    if all(isinstance(one, list | str) for one in pieces):
        parts: list[Any] = []
        for one in pieces:
            parts.extend([{"type": "text", "text": one}] if isinstance(one, str) else one)
        return _joined(parts)
    return pieces[-1]


def _joined(parts: list[Any]) -> list[Any]:
    """The list with neighbours of the same type and index joined, as they are pieces of one part."""
    joined: list[Any] = []
    texts: dict[str, list[str]] = {}
    for part in parts:
        last = joined[-1] if joined else None
        name = next(
            (one for one in _TEXTS if isinstance(part, dict) and isinstance(part.get(one), str)), None
        )
        if (
            name is not None
            and isinstance(last, dict)
            and name in texts
            and "index" in part
            and (last.get("type"), last.get("index")) == (part.get("type"), part.get("index"))
        ):
            texts[name].append(part[name])
            last |= {key: value for key, value in part.items() if key != name and value is not None}
            continue
        _close(last, texts)
        texts = {} if name is None else {name: [part[name]]}
        joined.append(dict(part) if isinstance(part, dict) else part)
    _close(joined[-1] if joined else None, texts)
    return joined


def _close(part: Any, texts: dict[str, list[str]]) -> None:
    for name, pieces in texts.items():
        part[name] = "".join(pieces)
