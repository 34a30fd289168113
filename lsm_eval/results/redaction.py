"""Texts withheld from a record: each is replaced by a marker with its SHA-256.

Whoever has the text can verify it by the hash; others cannot read it. A text that is easy to guess (a name, a yes)
can also be found from its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

Redact = Literal["none", "licence", "sensitive", "all"]
"""Tasks whose texts are withheld; each value includes those before it."""

MARK = "[withheld sha256:"

_OURS = frozenset({"task", "sample", "request", "asked", "finish", "failure", "judgements"})
"""Text columns with the record's own words. All others are withheld, including those of later versions; a
cluster is often a text, and its hash groups samples just as well."""
_JSON = frozenset({"metadata", "further"})
_KEPT = frozenset({"request", "finish", "reason"})
"""Keys in the column `further` whose values are the record's own words. In `metadata` the task names the keys."""


def withholds(redact: Redact, *, sensitive: bool, redistributable: bool) -> bool:
    """Whether the texts of a task with these marks are withheld."""
    if redact == "all":
        return True
    return (redact != "none" and not redistributable) or (redact == "sensitive" and sensitive)


def withheld(text: str) -> str:
    """The marker that replaces a text."""
    return f"{MARK}{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}]"


def redact(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """A sample table (column by column) without its texts; numbers, ids and nulls stay.

    The targets of scored samples stay, as they are indices; in JSON columns all texts go and all keys stay.
    """
    redacted: dict[str, list[Any]] = {}
    for name, values in columns.items():
        if name in _OURS:
            redacted[name] = values
        elif name in _JSON:
            redacted[name] = [None if value is None else _json(name, value) for value in values]
        elif name == "target":
            kinds = columns["request"]
            redacted[name] = [
                target if kind == "score" else _hidden(target)
                for kind, target in zip(kinds, values, strict=True)
            ]
        else:
            redacted[name] = [_hidden(value) for value in values]
    return redacted


def redact_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Like `redact`, for one row."""
    return {
        name: values[0] for name, values in redact({name: [value] for name, value in row.items()}).items()
    }


def _json(column: str, value: str) -> str:
    kept = _KEPT if column == "further" else frozenset[str]()
    return json.dumps(_hidden(json.loads(value), kept), ensure_ascii=False, sort_keys=True)


def _hidden(thing: Any, kept: frozenset[str] = frozenset()) -> Any:
    if isinstance(thing, str):
        return withheld(thing)
    if isinstance(thing, list):
        return [_hidden(part, kept) for part in thing]
    if isinstance(thing, dict):
        return {name: part if name in kept else _hidden(part, kept) for name, part in thing.items()}
    return thing
