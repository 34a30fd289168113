"""A limit for one run's number, such as a rate of harmful answers: judged by its interval, never by the number alone.

The p-value at the limit is the level at which the interval's end would touch it (test inversion), for any method of intervals. So
0 hits of 20 is not proven safe, and not proven unsafe either.
"""

from __future__ import annotations

from collections.abc import Callable

from lsm_eval.statistics.comparison.verdicts import FALSE_PASS, Evidence

Interval = Callable[[float], tuple[float, float] | None]
"""The ends at a two-sided level from 0 to 1; None if there is no interval."""

_SMALLEST = 1e-12


def limit_evidence(
    name: str,
    value: float | None,
    interval: Interval,
    limit: float,
    *,
    higher_is_better: bool = False,
    false_pass: float = FALSE_PASS,
) -> Evidence:
    """The evidence for a gate on a limit (`verdicts.judged`): the loss is how far the number lies beyond the limit, and the margin is 0. It fails
    if it is proven to lie beyond, and passes if that is ruled out. p-values are computed down to 1e-12."""
    ends = interval(1 - 2 * false_pass) if value is not None else None
    if value is None or ends is None:
        return Evidence(name, None, None, 0.0, None, None, "no value" if value is None else "no interval")
    sign = -1.0 if higher_is_better else 1.0
    return Evidence(
        name,
        sign * (value - limit),
        sign * (ends[0 if higher_is_better else 1] - limit),
        0.0,
        _p(interval, limit, low_end=not higher_is_better),
        _p(interval, limit, low_end=higher_is_better),
    )


def _p(interval: Interval, limit: float, *, low_end: bool) -> float:
    """One-sided p-value, with the alternative that the true value is greater than the limit (by the low end) or less: by bisection, since
    an interval at a higher level contains one at a lower."""

    def beyond(p: float) -> bool:
        """Whether the end at the level that belongs to p is still clear of the limit."""
        ends = interval(1 - 2 * p) if p <= 0.5 else interval(2 * p - 1)
        if ends is None:
            return False
        if p <= 0.5:
            return ends[0] > limit if low_end else ends[1] < limit
        return ends[1] > limit if low_end else ends[0] < limit

    low, high = _SMALLEST, 1 - _SMALLEST
    if beyond(low):
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high
