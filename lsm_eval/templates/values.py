"""Reads a template's value as a text, the index of a choice, or a label."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from numbers import Integral
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.templates.missing import NullError, describe, holds_missing, missing
from lsm_eval.templates.render import Row

_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")


def as_text(value: Any, where: str, row: Row, name: str, reads: Callable[[str], Iterable[str]]) -> str:
    """A value in a list of choices, references or prompts of the sample `name`, as a text: numbers as in Python, dates as in
    ISO 8601.

    Raises `NullError` for a missing value, naming the column with the help of `reads` (the columns that a key's template
    reads), and `UserError` for values without a text form of their own: booleans, lists, mappings, bytes.
    """
    if isinstance(value, str):
        return str(value)
    if holds_missing(value):
        raise NullError(where, describe(row, reads(where.rpartition(", ")[2])))
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        raise UserError(
            f"{where}, sample {name!r}: {value} is a boolean and no text: write the words, such as {{{{ 'yes' if column else 'no' }}}}."
        )
    if isinstance(value, (int, float, Decimal)) or hasattr(value, "dtype") or hasattr(value, "isoformat"):
        return str(value)
    raise UserError(
        f"{where}, sample {name!r}: a value is {type(value).__name__} and no text: correct the template or the data."
    )


def as_index(value: Any) -> int | None:
    """A whole number as an int: 2, 2.0 or "2". None for anything else, booleans included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, (float, Decimal)) and not missing(value):
        whole = int(value)
        return whole if abs(whole) < 2**53 and value == whole else None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return None


def as_label(value: Any) -> bool | None:
    """Whether a label marks its choice: 1 or true, 0 or false. None for anything else."""
    if isinstance(value, bool):
        return value
    number = as_index(value)
    return bool(number) if number in (0, 1) else None


def short(value: Any) -> str:
    """A value, short enough for a message."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of too many digits
        return "with thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."
