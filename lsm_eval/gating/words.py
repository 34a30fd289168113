"""Formatting of amounts in a gate's sentences."""

from __future__ import annotations

from lsm_eval.comparison.shown import words


def amount(number: float | None, unit: str) -> str:
    """A loss or margin with three digits; for percentages in percentage points."""
    if number is None:
        return words.DASH
    if unit == "fraction":
        return f"{_digits(100 * number)} pp"
    return _digits(number)


def span(low: float | None, high: float | None, unit: str) -> str:
    """`-0.5 to 2.1 pp`."""
    if low is None or high is None:
        return words.DASH
    return f"{amount(low, unit).removesuffix(' pp')} to {amount(high, unit)}"


def percent(share: float) -> str:
    """`5 %`."""
    return f"{_digits(100 * share)} %"


def counted(number: int, what: str) -> str:
    """`1 pair`, `1,319 pairs`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _digits(number: float) -> str:
    shown = f"{number:.3g}"
    return (
        "0"
        if float(shown) == 0
        else shown
        if "e" not in shown
        else f"{number:,.0f}"
        if abs(number) > 1
        else shown
    )
