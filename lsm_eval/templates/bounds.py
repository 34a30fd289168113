"""Bounds for templates: on the number of steps, and on the size of texts, lists and numbers.

The bounds are far above what a task needs. With them a mistake, or a file from elsewhere, ends in an error message and not
in a machine out of memory.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

TEXT = 10_000_000
"""Characters of a text, at most."""
ITEMS = 1_000_000
"""Items of a list that a template makes, at most."""
BITS = 10_000
"""Bits of a whole number, at most."""
STEPS = 1_000_000
"""Loop iterations, calls and operations of one rendering, at most."""
SECONDS = 4.0
"""Computing time of one rendering, at most."""

_FIELD = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(\*|\d*)(?:\.(\*|\d*))?[hlL]?(.)", re.DOTALL)


class TooMuch(Exception):
    """A template exceeds a bound."""


class _Budget:
    __slots__ = ("checked", "end", "left")

    def __init__(self) -> None:
        self.left = STEPS
        self.checked = STEPS
        self.end: float | None = None


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def rendering() -> Iterator[None]:
    """Counts the steps of everything rendered within this context."""
    token = _budget.set(_Budget())
    try:
        yield
    finally:
        _budget.reset(token)


def spend(size: int = 0) -> None:
    """Counts one step, and one more for every 1,000 characters or items that it works on. Raises `TooMuch`."""
    budget = _budget.get()
    if budget is None:
        return
    budget.left -= 1 + size // 1000
    if budget.left < 0:
        raise TooMuch(f"it takes more than {STEPS:,} steps")
    if budget.checked - budget.left >= 100:
        # The clock starts with the 100th step; most renderings never get there.
        budget.checked, now = budget.left, time.thread_time()
        budget.end = now + SECONDS if budget.end is None else budget.end
        if now > budget.end:
            raise TooMuch(f"it takes longer than {SECONDS:.0f} s")


def made(value: Any) -> Any:
    """Returns `value`, the result of an operation, filter or function; counts a step per 100 characters or items of it."""
    spend(size(value) * 10)
    return value


def counted(values: Iterable[Any]) -> Iterator[Any]:
    """Yields the values, counting a step for each."""
    for value in values:
        spend()
        yield value


def size(value: Any) -> int:
    """Characters of a text, items of a list; 0 for a value without a length."""
    return len(value) if isinstance(value, (str, bytes, list, tuple, dict, set, range)) else 0


def within(wanted: int, most: int = TEXT, what: str = "characters") -> None:
    """Raises `TooMuch` if `wanted` exceeds `most`."""
    if wanted > most:
        raise TooMuch(f"it makes more than {most:,} {what}")


def joined(parts: Iterable[str]) -> str:
    """`"".join(parts)`, with a bounded length."""
    total, kept = 0, []
    for part in parts:
        total += len(part)
        within(total)
        kept.append(part)
    return "".join(kept)


def operation(operator: str, left: Any, right: Any) -> None:
    """Raises `TooMuch` if `left operator right` would be too large."""
    whole = isinstance(left, int) and isinstance(right, int)
    if operator == "**" and whole:
        within(left.bit_length() * max(right, 0), BITS, "bits of a number")
    elif operator == "*" and whole:
        within(left.bit_length() + right.bit_length(), BITS, "bits of a number")
    elif operator == "*" and (isinstance(left, int) or isinstance(right, int)):
        times, value = (left, right) if isinstance(left, int) else (right, left)
        most = TEXT if isinstance(value, (str, bytes)) else ITEMS
        within(size(value) * max(times, 0), most, "characters" if most == TEXT else "items")
    elif operator == "+":
        within(size(left) + size(right), TEXT if isinstance(left, str) else ITEMS, "characters or items")
    elif operator == "%" and isinstance(left, str):
        percent(left, right)
    spend(size(left) + size(right))


def percent(pattern: str, values: Any) -> None:
    """Raises `TooMuch` if the widths in `pattern` would make `pattern % values` too long."""
    fields = list(_FIELD.finditer(pattern))
    widths = [width for field in fields for width in field.groups()[:2] if width]
    if "*" in widths:
        raise TooMuch("a width * in % formatting is not allowed: write the number")
    texts = values.values() if isinstance(values, dict) else values if isinstance(values, tuple) else [values]
    longest = max((size(text) for text in texts), default=0)
    within(len(pattern) + sum(int(width[:10]) for width in widths) + longest * len(fields))


def field(spec: str) -> int:
    """Characters that a format spec (`>10`, `.3f`) may pad to. Raises `TooMuch` for too many."""
    wanted = sum(int(digits) for digits in re.findall(r"\d+", spec[:100]))
    within(wanted if len(spec) <= 100 else TEXT + 1)
    return wanted


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raises `TooMuch` if calling a method of a text, list or number would make something too large."""
    owner = getattr(function, "__self__", None)
    spend(size(owner) + sum(size(arg) for arg in args))
    if isinstance(owner, (str, bytes)):
        method(owner, function.__name__, [*args, *kwargs.values()])
    elif isinstance(owner, (int, float, list, tuple, dict)):
        within(max((abs(a) for a in args if isinstance(a, int)), default=0), ITEMS, "items")


def method(text: Any, name: str, args: list[Any]) -> None:
    """Raises `TooMuch` if `text.name(*args)` would be too long."""
    numbers = [abs(arg) for arg in args if isinstance(arg, int)]
    if name in ("center", "ljust", "rjust", "zfill") and numbers:
        within(max(numbers))
    elif name == "expandtabs" and numbers:
        within(len(text) + max(numbers) * text.count("\t"))
    elif name == "replace" and len(args) >= 2 and isinstance(args[1], type(text)):
        within(len(text) + (text.count(args[0]) * len(args[1]) if len(args[1]) > 1 else 0))
    elif name == "join" and args and isinstance(args[0], (list, tuple)):
        within(sum(map(size, args[0])) + len(text) * len(args[0]))
    elif name == "translate" and args and isinstance(args[0], dict):
        within(len(text) * max((size(new) for new in args[0].values()), default=0))
