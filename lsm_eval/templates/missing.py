"""Missing values: null, NaN and infinite numbers. They never become part of a prompt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, MappingView
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.templates.bounds import spend


class NullError(UserError):
    """A template would show a value that is missing from the data. `what` says which."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"{where}: {what}; leave such rows out with dataset.where, or write what stands for it "
            "({{ column or '-' }})."
        )
        self.where, self.what = where, what


class NullValue(Exception):
    """Raised during rendering, where the template's file and key are not known."""


def missing(value: Any) -> str | None:
    """What a missing value is, in a word; None for every other value."""
    if value is None:
        return "null"
    if isinstance(value, float):
        if value != value:
            return "NaN"
        return None if math.isfinite(value) else "infinite"
    kind = type(value).__name__
    if kind in ("NaTType", "NAType"):  # pandas'
        return "null"
    if kind == "Decimal" and not value.is_finite():
        return "NaN" if value.is_nan() else "infinite"
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:  # a number of NumPy
        return missing(value.item())
    return None


def holds_missing(value: Any) -> str | None:
    """As `missing`, also for values anywhere inside a list or a mapping."""
    if isinstance(value, (str, int)):
        return None
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, (list, tuple, set, frozenset, MappingView)):
        return missing(value)
    for part in value:
        spend(len(part) * 10 if isinstance(part, str) else 0)
        if word := holds_missing(part):
            return word
    return None


def shown(value: Any) -> Any:
    """Returns `value` if a text may show it. Raises `NullValue` for a missing value, TypeError for one without a text form."""
    if isinstance(value, str):
        return value
    if word := holds_missing(value):
        raise NullValue(word)
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("bytes are no text")
    if isinstance(value, (Iterator, MappingView, range)) or type(value).__module__.startswith("jinja2."):
        raise TypeError(f"a {type(value).__name__} is no text: write what it holds, such as with `| join`")
    return value


def describe(row: Mapping[str, Any], columns: Iterable[str]) -> str:
    """Names the columns, among those that a template reads, that cause the error."""
    names = list(columns)
    read = [column for column in names if column in row]
    if "row" in names and "row" not in row:
        read = list(row)
    null = [column for column in read if missing(row[column])]
    if len(null) > 1:
        return f"of the columns that it reads {', '.join(map(repr, null))} are null"
    if null:
        return f"the column {null[0]!r} is {missing(row[null[0]])}"
    for column in read:
        if word := holds_missing(row[column]):
            return f"the column {column!r} holds a value that is {word}"
    return f"an expression has no value (it reads {', '.join(map(repr, read)) or 'no column'})"
