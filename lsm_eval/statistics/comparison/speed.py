"""Whether one run is slower than another on the same machine, from the ratio of their medians in alternating rounds.

Each round times the baseline and the candidate, one after the other, so that temporary load on the machine slows both. The
logarithms of the rounds' ratios are summarised by Hodges & Lehmann's estimate (Annals of Mathematical Statistics 34:598-611, 1963),
the median of all pairwise means, with the interval and the tests of Wilcoxon's signed-rank statistic (Biometrics Bulletin 1:80-83,
1945), whose distribution is exact: no round counts for more than its rank, however long an interruption was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.score import Side


@dataclass(frozen=True, slots=True)
class SpeedRatio:
    """Candidate over baseline: above 1 if the candidate's numbers (seconds, or tokens a second) are larger."""

    value: float | None
    low: float | None
    high: float | None
    level: float
    p: float | None
    """Two-sided p-value of a ratio of 1."""
    rounds: int
    missing: int
    method: str
    reason: str | None
    logs: tuple[float, ...]
    """The rounds' log ratios, sorted."""


def speed_ratio(baseline: ArrayLike, candidate: ArrayLike, *, level: float = 0.95) -> SpeedRatio:
    """From the medians of each round [rounds] of both, in the same order; rounds with NaN are left out and counted. Raises `UserError`
    for numbers that are not above 0. With fewer than six rounds there is no interval of 95 %."""
    first, second = np.asarray(baseline, float), np.asarray(candidate, float)
    if first.shape != second.shape or first.ndim != 1:
        raise UserError("Baseline and candidate have different numbers of rounds: let them take turns.")
    known = ~(np.isnan(first) | np.isnan(second))
    first, second = first[known], second[known]
    missing = int((~known).sum())
    if not ((first > 0) & (second > 0) & np.isfinite(first) & np.isfinite(second)).all():
        raise UserError("A round's time or throughput is not above 0, so that it has no ratio.")
    logs = np.sort(np.log(second / first))
    count = len(logs)
    if not count:
        return SpeedRatio(None, None, None, level, None, 0, missing, "none (no rounds)", "no rounds", ())
    means = _walsh(logs)
    value = math.exp(float(np.median(means)))
    kept = tuple(float(one) for one in logs)
    cut = _cut(count, (1 - level) / 2)
    if cut is None:
        why = f"only {count} rounds"
        return SpeedRatio(value, None, None, level, None, count, missing, f"none ({why})", why, kept)
    low, high = math.exp(float(means[cut])), math.exp(float(means[len(means) - 1 - cut]))
    p = min(1.0, 2 * min(_p(logs, 0.0, "greater"), _p(logs, 0.0, "less")))
    return SpeedRatio(value, low, high, level, p, count, missing, "hodges-lehmann(signed ranks)", None, kept)


def speed_p(found: SpeedRatio, ratio: float, side: Side) -> float | None:
    """One-sided p-value against the alternative that the true ratio is greater, or less, than `ratio`; None if there are no rounds."""
    return _p(np.array(found.logs), math.log(ratio), side) if found.logs else None


def _walsh(logs: FloatArray) -> FloatArray:
    upper = np.triu_indices(len(logs))
    return np.sort((logs[:, None] + logs)[upper] / 2)


def _p(logs: FloatArray, margin: float, side: Side) -> float:
    """The probability of as many pairwise means beyond the margin; those equal to it do not count as beyond."""
    means = _walsh(logs)
    beyond = int((means > margin).sum() if side == "greater" else (means < margin).sum())
    return float(_upper(len(logs))[beyond])


def _cut(count: int, tail: float) -> int | None:
    """How many of the sorted means lie below the low end; None if even the outermost has too high a probability."""
    upper = _upper(count)
    total = count * (count + 1) // 2
    if upper[total] > tail:
        return None
    return int((upper[::-1] <= tail).sum()) - 1


@lru_cache(maxsize=64)
def _upper(count: int) -> NDArray[np.float64]:
    """P(W >= w) of the signed-rank sum of this number of rounds, for w from 0."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = (ways[rank:] + ways[:-rank]) / 2
        ways[:rank] /= 2
    upper: NDArray[np.float64] = np.minimum(np.cumsum(ways[::-1])[::-1], 1.0)
    return upper
