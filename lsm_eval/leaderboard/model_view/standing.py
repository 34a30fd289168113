"""Where a model is surely better or worse than the other models, by simultaneous intervals and never by ranks."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lsm_eval.leaderboard.board import Board, Key, ModelEntry
from lsm_eval.leaderboard.show import measured
from lsm_eval.results.schema import EstimateRow

LEAST = 3
"""The fewest other models with a comparable number that a verdict needs."""

Verdict = Literal["better", "worse", "not told apart"]
FloatArray = NDArray[np.float64]
Number = TypeVar("Number", float, FloatArray)


@dataclass(frozen=True, slots=True)
class PeerNumbers:
    """Numbers of the same task, metric and signature [k]; all have an interval."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    quantile: FloatArray
    """The quantile of the normal distribution at each interval's level."""
    out: int | None = None
    """The position of one number that is excluded."""
    _ordered: dict[tuple[float, int], list[tuple[list[float], list[float]]]] = field(
        default_factory=dict, repr=False, compare=False
    )
    """By level and number of verdicts: values, lower and upper ends, each unsorted and sorted, including the excluded number."""

    @property
    def number(self) -> int:
        """How many numbers there are, without the excluded one."""
        return len(self.value) - (self.out is not None)

    def without(self, place: int) -> PeerNumbers:
        """The same numbers without the one at `place`."""
        return replace(self, out=place)

    def medians(self, level: float, verdicts: int) -> tuple[float, float, float]:
        """Medians of the values, and of the lower and upper ends of the widened intervals."""
        if (level, verdicts) not in self._ordered:
            # All models are compared with the same numbers, except their own, so these are sorted once.
            wider = _wider(level, verdicts) / self.quantile
            parts = (self.value, *_widened(self.value, self.low, self.high, wider))
            self._ordered[level, verdicts] = [(part.tolist(), np.sort(part).tolist()) for part in parts]
        value, low, high = (_median(*part, self.out) for part in self._ordered[level, verdicts])
        return value, low, high


def peer_numbers(rows: Sequence[EstimateRow]) -> PeerNumbers:
    """The numbers of rows that are all `bounded`."""
    numbers = np.array([[row.value, row.low, row.high, _quantile(row.level)] for row in rows], float)
    return PeerNumbers(*numbers.reshape(-1, 4).T)


@dataclass(frozen=True, slots=True)
class Standing:
    """One number compared with the median of the other models' numbers of its task."""

    row: EstimateRow
    others: int
    median: float
    low: float
    high: float
    """The true median of the others lies between these if their widened intervals hold: the medians of the lower and of the
    upper ends."""
    verdict: Verdict


def standings(pairs: Sequence[tuple[EstimateRow, PeerNumbers]]) -> list[Standing]:
    """A verdict on each number that can be compared with other models' numbers of the same task, metric and signature.

    The number is better (worse) than the others if its interval and that of their median do not overlap. All intervals are
    widened about their numbers from their own level to 1 - (1 - level) / m for m verdicts (Bonferroni), so that under 5 % of all
    models have any wrong verdict. Numbers without an interval, or with fewer than `LEAST` others that have one, get no verdict.
    """
    asked = [
        (row, others)
        for row, others in pairs
        if bounded(row) and row.higher_is_better is not None and others.number >= LEAST
    ]
    found = []
    for row, others in asked:
        value, least, most = (float(end or 0.0) for end in (row.value, row.low, row.high))
        # NumPy's division, since the quantile may be 0.
        wider = float(_wider(row.level, len(asked)) / np.float64(_quantile(row.level)))
        low, high = _widened(value, least, most, wider)
        middle, below, above = others.medians(row.level, len(asked))
        verdict = _verdict(row, (low, high), (below, above))
        found.append(Standing(row, others.number, middle, below, above, verdict))
    return found


def _verdict(row: EstimateRow, own: tuple[float, float], field: tuple[float, float]) -> Verdict:
    if own[0] > field[1]:
        return "better" if row.higher_is_better else "worse"
    if own[1] < field[0]:
        return "worse" if row.higher_is_better else "better"
    return "not told apart"


def _widened(value: Number, low: Number, high: Number, wider: Number) -> tuple[Number, Number]:
    return value - wider * (value - low), value + wider * (high - value)


def _wider(level: float, verdicts: int) -> float:
    """The quantile of the level that each of `verdicts` intervals must have for all to hold simultaneously."""
    return _quantile(1 - (1 - level) / verdicts)


def _median(values: Sequence[float], ordered: Sequence[float], out: int | None) -> float:
    """The median of `values` without the one at position `out`; `ordered` has the same values sorted."""
    gone = len(ordered) if out is None else bisect_left(ordered, values[out])
    left = len(ordered) - (out is not None)
    # Values behind the excluded one are shifted by one.
    first, second = (ordered[at + (at >= gone)] for at in ((left - 1) // 2, left // 2))
    return (first + second) / 2


@lru_cache(1024)
def _quantile(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def bounded(row: EstimateRow) -> bool:
    """Whether it has a value, an interval, and a level between 0 and 1."""
    ends = (row.low, row.high)
    return measured(row) and all(end is not None and math.isfinite(end) for end in ends) and 0 < row.level < 1


class BoardPeers:
    """The numbers of all models of a board, by task, metric and signature, without the rows that have no model."""

    def __init__(self, board: Board) -> None:
        # Numbers of a column are comparable if they have the same mark.
        rows: dict[tuple[Key, str], list[EstimateRow]] = defaultdict(list)
        places: dict[tuple[str, Key], tuple[tuple[Key, str], int]] = {}
        for model in board.models:
            if model.no_model:
                continue
            for key, number in model.numbers.items():
                if bounded(number.row):
                    group = (key, number.mark)
                    places[model.slug, key] = (group, len(rows[group]))
                    rows[group].append(number.row)
        self._places = places
        self._groups = {group: peer_numbers(own) for group, own in rows.items()}

    def standings(self, model: ModelEntry, keys: Sequence[Key]) -> list[Standing]:
        """The model's numbers of these tasks and metrics compared with the other models'."""
        pairs = []
        for key in keys:
            if (model.slug, key) in self._places:
                group, place = self._places[model.slug, key]
                pairs.append((model.numbers[key].row, self._groups[group].without(place)))
        return standings(pairs)
