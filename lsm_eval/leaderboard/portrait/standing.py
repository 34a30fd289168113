"""Where a model is surely better or worse than the field: by intervals that hold all at once, never by a place in a list."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Literal

from lsm_eval.leaderboard.show import measured
from lsm_eval.results.schema import EstimateRow

LEAST = 3
"""Other models with a comparable number that make a field."""

Verdict = Literal["better", "worse", "not told apart"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One number against the median of the others' numbers of its task."""

    row: EstimateRow
    others: int
    median: float
    low: float
    high: float
    """Between these the true median of the others lies, if their widened intervals hold: the medians of the lower and of the
    upper ends."""
    verdict: Verdict


def standings(pairs: Sequence[tuple[EstimateRow, Sequence[EstimateRow]]]) -> list[Standing]:
    """A verdict on each number that has a field: the other models' numbers of the same task, metric and signature.

    The number is better (worse) than the field where its interval and that of the field's median have no point in common. All
    intervals are widened about their numbers from their own level to 1 - (1 - level) / m, with m verdicts asked for (Bonferroni), so
    that under 5 % of all models have one wrong verdict. Numbers without an interval, and fields with fewer than `LEAST` of them, get none.
    """
    asked = [
        (row, kept)
        for row, others in pairs
        if _bounded(row)
        and row.higher_is_better is not None
        and len(kept := [one for one in others if _bounded(one)]) >= LEAST
    ]
    found = []
    for row, others in asked:
        low, high = _widened(row, len(asked))
        ends = [_widened(one, len(asked)) for one in others]
        below, above = median(end[0] for end in ends), median(end[1] for end in ends)
        middle = median(one.value for one in others if one.value is not None)
        found.append(
            Standing(row, len(others), middle, below, above, _verdict(row, (low, high), (below, above)))
        )
    return found


def _verdict(row: EstimateRow, own: tuple[float, float], field: tuple[float, float]) -> Verdict:
    if own[0] > field[1]:
        return "better" if row.higher_is_better else "worse"
    if own[1] < field[0]:
        return "worse" if row.higher_is_better else "better"
    return "not told apart"


def _widened(row: EstimateRow, verdicts: int) -> tuple[float, float]:
    assert row.value is not None
    assert row.low is not None
    assert row.high is not None  # it is bounded
    wider = _quantile(1 - (1 - row.level) / verdicts) / _quantile(row.level)
    return row.value - wider * (row.value - row.low), row.value + wider * (row.high - row.value)


def _quantile(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _bounded(row: EstimateRow) -> bool:
    ends = (row.low, row.high)
    return measured(row) and all(end is not None and math.isfinite(end) for end in ends) and 0 < row.level < 1
