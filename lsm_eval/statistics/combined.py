"""Intervals of means and ratios of independent estimates, from the estimates' own intervals.

The method of variance estimates recovery (MOVER) recovers the variance of each estimate near both ends from its interval and combines
these. It preserves the asymmetry of intervals, and 0 of 24 still has a width (Zou & Donner 2008, *Statistics in Medicine* 27:1693;
for ratios on the logarithmic scale, Zou 2008, *American Journal of Epidemiology* 168:212).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval; both ends are None if it has none."""

    value: float
    low: float | None
    high: float | None


def mean(parts: Sequence[Interval]) -> Interval:
    """The unweighted mean of independent estimates (at least one), at their level.

    It has no interval if a part has none.
    """
    count = len(parts)
    value = sum(part.value for part in parts) / count
    below, above = 0.0, 0.0
    for part in parts:
        if part.low is None or part.high is None:
            return Interval(value, None, None)
        below += (part.value - part.low) ** 2
        above += (part.high - part.value) ** 2
    return Interval(value, value - math.sqrt(below) / count, value + math.sqrt(above) / count)


def ratio(first: Interval, second: Interval, *, floor: float) -> Interval:
    """`first` / `second` for independent, non-negative estimates; numbers below `floor` (above 0) count as `floor`.

    It has no interval if one of them has none.
    """

    def log(number: float) -> float:
        return math.log(max(number, floor))

    value = log(first.value) - log(second.value)
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Interval(math.exp(value), None, None)
    below = math.hypot(log(first.value) - log(first.low), log(second.high) - log(second.value))
    above = math.hypot(log(first.high) - log(first.value), log(second.value) - log(second.low))
    return Interval(math.exp(value), math.exp(value - below), math.exp(value + above))
