"""The interval of a mean of values from 0 to 1, for samples that may be clustered.

It is Wilson's score interval (Wilson 1927) on an effective number of trials, with Student's t in place of z, as Korn &
Graubard (Survey Methodology 24:193-201, 1998) do it for Clopper & Pearson's:

- the variance of the mean is the sandwich with Bell & McCaffrey's correction for few and unequal clusters, CR2 (Survey
  Methodology 28:169-181, 2002): for a mean, V = Σ e² / (1 - w) / n² over clusters with summed residual e and share w of the
  samples. Its degrees of freedom are Satterthwaite's under independent samples (the same paper); with clusters at most
  `_CONCENTRATED` times the number of clusters that the variance effectively rests on, (Σ a)² / Σ a² of its addends a (for normal
  addends 3 would be right: Satterthwaite's with the observed fourth moments), but at least `_FEWEST_FREEDOM`: a few large
  clusters that happen to be alike make the mean and the variance small at the same time;
- the design effect is V over the same variance computed without clusters, and never below 1;
- the spread is that variance over m(1 - m) / (n - 1), the largest that a mean m of values from 0 to 1 can have (it may exceed 1 if
  high values have large weights, as in a ratio whose numerator and denominator grow together);
- few events determine neither: three hits among thousands say little about how hits cluster, or what the next hit will be like.
  Each is therefore shrunk towards a conservative prior that weighs as much as a number of events (successes, failures, or samples
  other than the commonest value, whichever are fewest: values that are all .5 are as uninformative as zeros): an intra-cluster
  correlation of `CORRELATION` (one event), and values of 0 or 1 (half an event). So an interval never jumps at the first hit, or
  at the first sample that differs.

The priors are our own choice, by the simulations of `benchmarks/coverage.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CORRELATION = 1.0
"""The prior for the intra-cluster correlation: all samples of a cluster are the same, so that without any hit a cluster is one trial."""
_DESIGN_EVENTS = 1.0
_SPREAD_EVENTS = 0.5
_CONCENTRATED = 2.0
_ROUNDING = 1e-10
_FEWEST_FREEDOM = 6.0
FEWEST_CLUSTERS = 5
GUARD = 1.3
"""The largest miss rate at any share, relative to the nominal one: 6.5 % for an interval of 95 %."""
LARGEST_SHARE = 0.5
"""Largest share of the samples in one cluster: above it, or with fewer clusters than `FEWEST_CLUSTERS`, no interval was found to cover."""


@dataclass(frozen=True, slots=True)
class RobustMean:
    """A mean and its uncertainty, robust to clusters."""

    mean: float
    stderr: float
    """The CR2 standard error."""
    freedom: float
    """Satterthwaite's degrees of freedom."""


@dataclass(frozen=True, slots=True)
class BoundedMean:
    """A mean of values from 0 to 1 and its interval."""

    low: float
    high: float
    robust: RobustMean
    trials: float
    """Effective number of trials, to be used with `quantile`."""
    quantile: float
    """Of Student's t on the degrees of freedom."""


def difference(one: FloatArray, other: FloatArray) -> FloatArray:
    """`one - other` [n], with differences that are only rounding errors set to 0, so that constant values have no spread."""
    found = np.asarray(one - other, float)
    limit = _ROUNDING * (np.abs(one) + np.abs(other))
    return np.where((np.abs(found) <= limit) & np.isfinite(limit), 0.0, found)


def robust_mean(sums: FloatArray) -> RobustMean:
    """Mean, CR2 standard error and degrees of freedom from sums (value, weight) of G clusters, shape [G, 2]; G is at least 2,
    and every cluster has weight."""
    value, weight = sums[:, 0], sums[:, 1]
    total = float(weight.sum())
    mean = float(value.sum()) / total
    residual = difference(value, mean * weight)
    variance = float((residual**2 / (1 - weight / total)).sum()) / total**2
    return RobustMean(mean, math.sqrt(variance), satterthwaite(weight))


def satterthwaite(weight: FloatArray) -> float:
    """Degrees of freedom of CR2's variance of a mean over clusters of these weights [G], under independent samples (Bell &
    McCaffrey 2002, section 4); G at least 2, none of them 0."""
    total = float(weight.sum())
    share = weight / total
    # The trace of (P'P)² for P the cluster-wise adjusted residual maker: diagonal entries are the weights, the others
    # products of w c / (1 - w).
    pull = weight * share / (1 - share)
    trace = float((weight**2).sum() + pull.sum() ** 2 - (pull**2).sum())
    return total**2 / trace


def bounded_mean(stats: FloatArray, groups: NDArray[np.intp], count: int, level: float) -> BoundedMean | str:
    """Mean and interval of statistics (value, weight), shape [n, 2], each value from 0 to its weight, in `count` clusters
    numbered by `groups` [n]; samples without weight are ignored. Returns the reason, in words, if there is no valid interval."""
    present = stats[:, 1] > 0
    stats, groups = stats[present], groups[present]
    sums = np.zeros((count, 2))
    np.add.at(sums, groups, stats)
    sums = sums[sums[:, 1] > 0]
    if why := why_no_interval(sums[:, 1], clustered=len(sums) < len(stats)):
        return why
    robust = robust_mean(sums)
    alone = robust_mean(stats).stderr ** 2
    weight = stats[:, 1]
    total = float(weight.sum())
    number = total**2 / float((weight**2).sum())
    successes = float(stats[:, 0].sum())
    # Converted to samples of equal weight.
    events = min(successes, total - successes, total - _commonest(stats)) * number / total
    size = float((sums[:, 1] ** 2).sum()) / float((weight**2).sum())
    design = _cautious(
        max(robust.stderr**2 / alone, 1.0) if alone > 0 else 1.0,
        1 + (size - 1) * CORRELATION,
        events,
        _DESIGN_EVENTS,
    )
    most = robust.mean * (1 - robust.mean) / (number - 1)
    spread = _cautious(alone / most if most > 0 else 1.0, 1.0, events, _SPREAD_EVENTS)
    trials = number / (design * spread)
    freedom = robust.freedom if len(sums) == len(stats) else observed_freedom(sums, robust)
    quantile = t_quantile(freedom, level)
    low, high = score_interval(robust.mean, trials, quantile)
    return BoundedMean(low, high, robust, trials, quantile)


def observed_freedom(sums: FloatArray, robust: RobustMean) -> float:
    """Degrees of freedom of the CR2 variance from sums (value, weight) [G, 2], reduced if it rests on few of the clusters."""
    return min(robust.freedom, concentrated_freedom(variance_addends(sums, robust)))


def variance_addends(sums: FloatArray, robust: RobustMean) -> FloatArray:
    """Each cluster's contribution to the CR2 variance [G], up to a factor, from sums (value, weight) [G, 2]."""
    value, weight = sums[:, 0], sums[:, 1]
    return np.asarray(difference(value, robust.mean * weight) ** 2 / (1 - weight / weight.sum()))


def concentrated_freedom(addends: FloatArray, fewest: float = _FEWEST_FREEDOM) -> float:
    """An upper limit for the degrees of freedom of a variance that is the sum of these addends [G]: proportional to how many of them
    it effectively rests on, but at least `fewest`."""
    whole = float((addends**2).sum())
    seen = _CONCENTRATED * float(addends.sum()) ** 2 / whole if whole > 0 else math.inf
    return max(seen, fewest)


def weighted_freedom(freedom: float, addends: FloatArray, worth: float, number: int) -> float:
    """Degrees of freedom of a variance that is the sum of these addends [G], for `number` samples with an effective number `worth`: from
    `freedom` with equal weights down to at most `concentrated_freedom` if `worth` is half of `number` or less (the variance may then
    rest on a few heavy samples)."""
    unequal = min(1.0, max(0.0, 2 * (1 - worth / number)))
    fewest = min(freedom, concentrated_freedom(addends))
    return 1 / ((1 - unequal) / freedom + unequal / fewest)


def skewness_of(deviations: FloatArray) -> float:
    """Skewness of a sum of independent terms [G] with these deviations; 0 if all are 0."""
    square = float((deviations**2).sum())
    return float((deviations**3).sum()) / square**1.5 if square > 0 else 0.0


def why_no_interval(weights: FloatArray, *, clustered: bool) -> str | None:
    """Why clusters of these weights allow no interval, in words; None if they do."""
    if len(weights) < 2:
        return "one cluster" if clustered else "one sample"
    if not clustered:
        return None
    if len(weights) < FEWEST_CLUSTERS:
        return f"only {len(weights)} clusters"
    largest = float(weights.max() / weights.sum())
    return f"one cluster holds {100 * largest:.0f} % of the samples" if largest > LARGEST_SHARE else None


def score_interval(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Wilson's score interval of a share, without continuity correction, for a number of trials (not necessarily whole) and
    a quantile of the normal or of Student's distribution."""
    square = quantile**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = (
        quantile / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    )
    # With no or only successes the end is exactly 0 or 1; rounding must not move it.
    low = 0.0 if share <= 0 else max(0.0, centre - half)
    high = 1.0 if share >= 1 else min(1.0, centre + half)
    return low, high


def exact_interval(share: float, trials: float, level: float) -> tuple[float, float]:
    """Clopper & Pearson's interval of a share (Biometrika 26:404-413, 1934), also for fractional numbers of trials and successes."""
    from scipy.special import betaincinv

    tail, won = (1 - level) / 2, share * trials
    lost = trials - won
    low = float(betaincinv(won, lost + 1, tail)) if share > 0 else 0.0
    high = float(betaincinv(won + 1, lost, 1 - tail)) if share < 1 else 1.0
    return low, high


def normal_quantile(level: float) -> float:
    """The normal quantile of a two-sided interval."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def t_quantile(freedom: float, level: float) -> float:
    """The quantile of Student's t of a two-sided interval."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def _commonest(stats: FloatArray) -> float:
    """Total weight of the samples with the commonest value, from statistics (value, weight) with weights above 0."""
    _, which = np.unique(np.round(stats[:, 0] / stats[:, 1], 12), return_inverse=True)
    return float(np.bincount(which.ravel(), weights=stats[:, 1]).max())


def _cautious(seen: float, guess: float, events: float, worth: float) -> float:
    return (seen * events + guess * worth) / (events + worth)
