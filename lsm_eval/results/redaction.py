"""Texts withheld from a record: each is replaced by a marker with its SHA-256.

Who has the text can check that it is the one; who has not cannot read it. A text that can be guessed (a name, a yes)
can be guessed from its hash too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

Redact = Literal["none", "licence", "sensitive", "all"]
"""Of which tasks texts are withheld; each word means those of the words before it, too."""

MARK = "[withheld sha256:"

_OURS = frozenset({"task", "sample", "request", "asked", "finish", "failure", "judgements"})
"""Columns of text that hold words of the record's own. All others are withheld, those of later versions too; a
cluster is often a text, and its hash groups samples as well."""
_JSON = frozenset({"metadata", "further"})
_KEPT = frozenset({"request", "finish", "reason"})
"""Keys in the column `further` whose values are words of the record's own. In `metadata` a task names the keys."""


def withholds(redact: Redact, *, sensitive: bool, redistributable: bool) -> bool:
    """Whether the texts of a task are withheld that is marked so."""
    if redact == "all":
        return True
    return (redact != "none" and not redistributable) or (redact == "sensitive" and sensitive)


def withheld(text: str) -> str:
    """The marker that stands for a text."""
    return f"{MARK}{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}]"


def redact(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """A sample table (column by column) without its texts; numbers, ids and what is null stay.

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
    """The same of one row."""
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
