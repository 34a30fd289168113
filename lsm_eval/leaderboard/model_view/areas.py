"""Means by area, over the tasks whose numbers can be averaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.leaderboard.show import measured
from lsm_eval.results.schema import EstimateRow


@dataclass(frozen=True, slots=True)
class AreaMean:
    """The mean of an area's tasks, each by its first metric on a scale where 1 is best."""

    area: str
    value: float
    low: float | None
    high: float | None
    """None if a task of the mean has no interval."""
    level: float
    tasks: tuple[str, ...]
    """Tasks in the mean."""
    turned: tuple[str, ...]
    """Those where lower is better: 1 minus the number counts."""
    without: tuple[str, ...]
    """Tasks of the area that are not averaged: neither direction is better, or their scale is unbounded."""


def area_mean(area: str, rows: Sequence[EstimateRow]) -> AreaMean | None:
    """The mean over the first metrics of the area's tasks, one row each; None if none of them can be averaged.

    Only fractions (0 to 1) and points (0 to 100) with a better direction are averaged. The interval is by the method of variance
    estimates recovery (Zou & Donner, Statistics in Medicine 27:1693-1702, 2008): the squared distances from each number to the ends of its
    interval add up, since tasks have no samples in common. Its level is the lowest of the intervals' levels.
    """
    kept = [row for row in rows if _averaged(row)]
    if not kept:
        return None
    turned = [_turned(row) for row in kept]
    count = len(kept)
    value = sum(point for point, _, _ in turned) / count
    low = high = None
    if all(lower is not None and upper is not None for _, lower, upper in turned):
        down = math.sqrt(sum((point - (lower or 0.0)) ** 2 for point, lower, _ in turned)) / count
        up = math.sqrt(sum(((upper or 0.0) - point) ** 2 for point, _, upper in turned)) / count
        low, high = max(0.0, value - down), min(1.0, value + up)
    return AreaMean(
        area,
        value,
        low,
        high,
        min(row.level for row in kept),
        tuple(row.task for row in kept),
        tuple(row.task for row in kept if row.higher_is_better is False),
        tuple(row.task for row in rows if not _averaged(row)),
    )


def _averaged(row: EstimateRow) -> bool:
    return measured(row) and row.unit in ("fraction", "points") and row.higher_is_better is not None


def _turned(row: EstimateRow) -> tuple[float, float | None, float | None]:
    """Value and ends, from 0 (worst) to 1 (best)."""
    scale = 1.0 if row.unit == "fraction" else 100.0
    point, low, high = (_finite(end, scale) for end in (row.value, row.low, row.high))
    assert point is not None  # it is measured
    if row.higher_is_better:
        return point, low, high
    return 1 - point, None if high is None else 1 - high, None if low is None else 1 - low


def _finite(number: float | None, scale: float) -> float | None:
    return None if number is None or not math.isfinite(number) else number / scale
