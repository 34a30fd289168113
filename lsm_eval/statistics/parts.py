"""Numbers combined from parts that have intervals: differences, weighted sums, rates among a subset of the samples.

A difference has Newcombe's interval from those of its two parts (Statistics in Medicine 17:873-890, 1998, method
10; "square and add", or hybrid score): for v = a - b,

    v - √((a - l_a)² - 2 r (a - l_a)(u_b - b) + (u_b - b)²)   to   v + √((u_a - a)² - 2 r (u_a - a)(b - l_b) + (b - l_b)²),

with r the correlation of the two (his method for pairs, the same journal 17:2635-2650, 1998; for any weighted sum Zou & Donner,
Statistics in Medicine 27:1693-1702, 2008). So it is as good as the intervals of its parts, and has a width even if nothing varied.
The parts have the intervals that shares have by themselves (`intervals.proportion_interval`): with plain Wilson intervals, as Newcombe
uses, the difference between five and five answers covered 83 to 96 % of the time.

If few of one part fail and few of the other succeed, failures and successes add up to one count of rare events, for which square and
add gives ends that are too narrow. For two independent shares no end is therefore inside that of Fay & Feuer for a weighted sum
of counts (Statistics in Medicine 16:791-801, 1997): the quantile of a gamma distribution with the sum's mean and variance.

The correlation is that of the clusters' jackknife influences on the two parts, and 0 if no cluster
contributes to both. If it would make the interval narrower, it is first reduced by what chance may contribute with few clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import difference
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import Quantity, cluster_sums, estimate
from lsm_eval.statistics.square_and_add import joint

FloatArray = NDArray[np.float64]

_CAUTIOUS_CLUSTERS = 4.0
"""Number of uncorrelated clusters added to the observed ones if a correlation would narrow the interval; our choice."""
_COUNTS = ("wilson", "clopper-pearson")
"""Methods for shares of independent samples."""


class Share:
    """A share among the samples with a weight; statistics are (value, weight), each value from 0 to its weight."""

    unit = "fraction"
    mean = True
    proportion = True

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to shares [...]; NaN if the weight is 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            shares: FloatArray = np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan)
        return shares


SHARE = Share()


@dataclass(frozen=True, slots=True)
class Part:
    """One addend."""

    weight: float
    """Factor on the part's value; -1 for a subtrahend."""
    columns: slice
    """Columns of the samples' statistics; a sample in which all of them are 0 does not contribute to this part."""
    of: Quantity = SHARE


def share_among(
    statistics: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    ties: int,
    seed: int,
    scale: float = 1.0,
    shift: float = 0.0,
    level: float = 0.95,
) -> Estimate:
    """scale · share + shift, from statistics that begin with (value, weight), shape [n, 2] or more. The interval rests only on the samples
    with a weight: three of three known samples are three, however many others there are."""
    base = basis(clusters, missing=missing, ties=ties, level=level)
    if found := base.empty():
        return found
    made = _own(Part(1.0, slice(0, 2)), np.asarray(statistics, float), clusters, seed, level)
    if made.value is None:
        return base.result(None, "none (undefined on these samples)")
    value = scale * made.value + shift
    if made.low is None or made.high is None:
        return base.result(value, made.method)
    ends = sorted((scale * made.low + shift, scale * made.high + shift))
    stderr = None if made.stderr is None else abs(scale) * made.stderr
    return base.result(value, made.method, (ends[0], ends[1]), stderr)


def combined(
    parts: Sequence[Part],
    statistics: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    ties: int,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """Σ weight · value over two parts, from samples' statistics [n, k], with the interval that follows from theirs; no interval, with
    the reason, if a part has none."""
    base = basis(clusters, missing=missing, ties=ties, level=level)
    if found := base.empty():
        return found
    statistics = np.asarray(statistics, float)
    one, other = (_own(part, statistics, clusters, seed, level) for part in parts)
    if one.value is None or other.value is None:
        return base.result(None, "none (undefined on these samples)")
    weights = [part.weight for part in parts]
    value = weights[0] * one.value + weights[1] * other.value
    for made in (one, other):
        if made.low is None:
            return base.result(value, made.method)
    correlation = _correlation(parts, statistics, base)
    below, above = _arms(weights[0], one), _arms(weights[1], other)
    interval = (
        value - joint(below[0], above[0], correlation),
        value + joint(below[1], above[1], correlation),
    )
    if not correlation and all(made.method in _COUNTS for made in (one, other)):
        rare = _weighted_counts(weights, (one, other), level)
        interval = min(interval[0], rare[0]), max(interval[1], rare[1])
    stderr = None
    if one.stderr is not None and other.stderr is not None:
        stderr = joint(abs(weights[0]) * one.stderr, abs(weights[1]) * other.stderr, correlation)
    methods = dict.fromkeys([one.method, other.method])
    pairs = "; correlated" if correlation else ""
    return base.result(value, f"newcombe({', '.join(methods)}{pairs})", interval, stderr)


def _own(
    part: Part, statistics: FloatArray, clusters: Sequence[str | None], seed: int, level: float
) -> Estimate:
    """The part's estimate from the samples that contribute to it."""
    rows = statistics[:, part.columns]
    present = rows[:, 1] > 0 if isinstance(part.of, Share) else (rows != 0).any(axis=1)
    kept = [cluster for cluster, there in zip(clusters, present, strict=True) if there]
    return estimate(part.of, rows[present], kept, missing=0, ties=0, seed=seed, level=level)


def _arms(weight: float, made: Estimate) -> tuple[float, float]:
    """Distances from the weighted value to the lower and upper end."""
    assert made.value is not None
    assert made.low is not None
    assert made.high is not None
    below, above = abs(weight) * (made.value - made.low), abs(weight) * (made.high - made.value)
    return (below, above) if weight >= 0 else (above, below)


def _weighted_counts(
    weights: Sequence[float], shares: Sequence[Estimate], level: float
) -> tuple[float, float]:
    """Fay & Feuer's lower end of Σ weight · share, and its upper end as the lower end of the negated sum. Events that raise the sum are
    successes with a positive weight and failures with a negative one; each counts its weight over its number of trials."""
    from scipy.special import gammaincinv

    ends = []
    for way in (1, -1):
        raising = [
            (abs(weight), made.value if way * weight > 0 else 1 - made.value, made.n)
            for weight, made in zip(weights, shares, strict=True)
            if made.value is not None
        ]
        whole = sum(weight * share for weight, share, _ in raising)
        variance = sum(weight**2 * share * (1 - share) / number for weight, share, number in raising)
        low = (
            variance / whole * float(gammaincinv(whole**2 / variance, (1 - level) / 2))
            if variance > 0
            else whole
        )
        ends.append(way * (low - sum(abs(weight) for weight in weights if way * weight < 0)))
    return ends[0], ends[1]


def _correlation(parts: Sequence[Part], statistics: FloatArray, base: Basis) -> float:
    """The correlation of the two addends; a positive one widens the interval of their sum."""
    influences = []
    shared = np.ones(base.count, bool)
    for part in parts:
        sums = cluster_sums(statistics[:, part.columns], base.groups, base.count)
        total = sums.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = difference(part.of.aggregate(total - sums), part.of.aggregate(total))
        influences.append(part.weight * np.where(np.isfinite(moved), moved, 0.0))
        shared &= (sums != 0).any(axis=1)
    if not shared.any():
        return 0.0
    one, other = influences
    size = math.sqrt(float((one**2).sum()) * float((other**2).sum()))
    found = float((one * other).sum()) / size if size > 0 else 0.0
    if found >= 0:
        return min(found, 1.0)
    count = int(shared.sum())
    return max(found, -1.0) * max(0.0, count - 2) / (count + _CAUTIOUS_CLUSTERS)
