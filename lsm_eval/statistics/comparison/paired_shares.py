"""Newcombe's and Tango's intervals of a difference between two paired shares, from counts.

Comparisons use `difference`, which has exact bounds for few differing pairs; these are the textbook methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import normal_quantile, score_interval
from lsm_eval.statistics.comparison.score import tango
from lsm_eval.statistics.paired import phi
from lsm_eval.statistics.square_and_add import square_and_add


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of pairs that are right in both runs, only in the candidate (gained), only in the baseline (lost), or in neither."""

    both: int
    gained: int
    lost: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.gained, self.lost, self.neither) < 0 or self.number == 0:
            raise UserError("Give numbers of pairs from 0, and one pair or more.")

    @property
    def number(self) -> int:
        return self.both + self.gained + self.lost + self.neither


def newcombe_interval(counts: Counts, level: float = 0.95) -> tuple[float, float]:
    """The interval of candidate minus baseline (Newcombe, Statistics in Medicine 17:2635-2650, 1998, method 10)."""
    cells = [counts.both, counts.gained, counts.lost, counts.neither]
    second, first = np.repeat([1.0, 1.0, 0.0, 0.0], cells), np.repeat([1.0, 0.0, 1.0, 0.0], cells)
    quantile, n = normal_quantile(level), counts.number
    one, two = ((float(x.mean()), *score_interval(float(x.mean()), n, quantile)) for x in (second, first))
    return square_and_add(one, two, phi(second, first))


def tango_interval(counts: Counts, level: float = 0.95) -> tuple[float, float]:
    """The interval of candidate minus baseline (Tango, Statistics in Medicine 17:891-908, 1998): its ends are where his statistic equals
    the normal quantile."""
    gained, lost = counts.gained / counts.number, counts.lost / counts.number
    quantile = normal_quantile(level)
    return (
        _low(counts.number, gained, lost, quantile),
        -_low(counts.number, lost, gained, quantile),
    )


def _low(number: int, gained: float, lost: float, quantile: float) -> float:
    low, high = -1.0, gained - lost
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if tango(number, gained, lost, middle) <= quantile else (middle, high)
    return low
