"""The interval of an area under the ROC curve, for samples that may be clustered.

It is a score interval: the values A for which |Â - A| ≤ t · √(r · V(A)), so that it stays within 0 to 1 and has a width even
if all pairs are in order.

- V(A) is the variance that Hanley & McNeil (Radiology 143:29-36, 1982) give for two exponential distributions, as Newcombe
  makes it symmetric in the classes and inverts it (Statistics in Medicine 25:559-573, 2006, method 5): with P positives,
  N negatives and M = (P + N) / 2, V(A) = A(1 - A) · (1 + (M - 1) · ((1 - A) / (2 - A) + A / (1 + A))) / (P · N);
- r is the observed variance relative to V(Â): the variance of DeLong, DeLong & Clarke-Pearson (Biometrics 44:837-845, 1988), with
  clusters that of Obuchowski (Biometrics 53:567-578, 1997). A cluster's residuals get Bell & McCaffrey's
  correction for few and unequal clusters (`statistics.bounded`), in each class by its own shares; independent samples give
  DeLong's variance exactly. Clustering within a class is never taken to reduce the variance; clusters that hold both
  classes (an item with a right and a wrong answer) may;
- t has Satterthwaite's degrees of freedom over the two classes, as Brunner & Munzel use them (Biometrical Journal 42:17-25,
  2000);
- a few misordered pairs among thousands say little about the variance. r and the degrees of freedom are therefore shrunk
  towards a conservative prior: half way (`_OUTLIERS`) from V(A) to the variance of a share of the smaller class, which the AUROC
  becomes when a few of its samples lie beyond all others. With e misplaced samples of the smaller class, the observed value has
  weight e² / (e² + `_WORTH`²). With clusters the prior is V(A) with each cluster as one trial, and the observed value has weight
  e / (e + `_WORTH_OF_CLUSTERS`). So an interval does not jump when the first pair is tied;
- the end nearer to 0 or 1 is never inside the Clopper & Pearson interval of 93.5 % (Biometrika 26:404-413, 1934) for the number of trials
  that gives a share of this size the observed variance, shrunk with the same weights: with one of ten positives misplaced, the score
  interval of .9 ended below .99 far too often. From .6 down to one half the other end is guarded more and more, so that nothing jumps.

Samples may belong to both classes by shares (a tie between a right and a wrong choice) and may have unequal weights: a pair
then weighs the product of its two weights, and P and N are effective numbers, (Σw)² / Σw² (Kish, Survey Sampling, 1965).
The weights of the prior are our own choice, by the simulations of `benchmarks/coverage.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import (
    GUARD,
    FloatArray,
    exact_interval,
    satterthwaite,
    t_quantile,
    why_no_interval,
)
from lsm_eval.statistics.estimate import Estimate

_WORTH = 1.2
_WORTH_OF_CLUSTERS = 2.0
_OUTLIERS = 0.5
_MIDDLE = 0.1
"""Distance from one half within which the farther end is guarded in part."""


@dataclass(frozen=True, slots=True)
class AurocInterval:
    """An AUROC with its interval, and the clusters' contributions to it."""

    value: float
    low: float
    high: float
    stderr: float
    """DeLong's, or Obuchowski's."""
    influences: FloatArray
    """Each cluster's bias-corrected contribution to the sampling error [G]; their squares sum to the variance."""


def auroc_estimate(
    scores: Sequence[float] | FloatArray,
    positive: Sequence[bool] | Sequence[float] | FloatArray | NDArray[np.bool_],
    clusters: Sequence[str | None],
    *,
    missing: int,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> Estimate:
    """AUROC with its interval, from scores [n], each sample's membership of the positive class (0 to 1) [n] and clusters, n long
    (None: in no cluster); `weights` of samples [n] if they are unequal. No value if a class is empty; without an interval `method` says why.

    Raises ValueError if a score is NaN or the lengths differ."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    area = auroc_area(np.asarray(scores, float), np.asarray(positive, float), base, weights)
    if isinstance(area, AurocInterval):
        method = "delong(score)" if base.clusters is None else "obuchowski(score)"
        return base.result(area.value, method, (area.low, area.high), area.stderr)
    value, why = area
    return base.result(None if math.isnan(value) else value, f"none ({why})")


def auroc_area(
    scores: FloatArray, positive: FloatArray, base: Basis, heavy: FloatArray | None = None
) -> AurocInterval | tuple[float, str]:
    """The AUROC from scores [n] and shares of the positive class [n], with samples weighted by `heavy` [n]; or its value (NaN if a class is
    empty) and why it has no interval."""
    if scores.shape != positive.shape or len(scores) != base.number or np.isnan(scores).any():
        raise ValueError(
            f"{scores.shape} scores, {positive.shape} labels and {base.number} clusters: give one of each for "
            "every sample, and no NaN"
        )
    weights = np.column_stack([positive, 1 - positive])
    numbers = weights.sum(axis=0)
    if heavy is not None:
        shares, weights = weights, weights * heavy[:, None]
        # The effective number of samples; their shares in a class are not weights.
        numbers = weights.sum(axis=0) ** 2 / np.maximum((shares * heavy[:, None] ** 2).sum(axis=0), 1e-300)
    totals = weights.sum(axis=0)
    if not totals.all():
        return math.nan, "undefined on these samples"
    _, level_of = np.unique(scores, return_inverse=True)
    at = np.column_stack([np.bincount(level_of.ravel(), weights=column) for column in weights.T])
    below = np.cumsum(at, axis=0) - at
    # For each sample, the share of negatives that it would win against as a positive, and the other way round.
    wins = ((below + at / 2)[:, 1] / totals[1])[level_of.ravel()]
    losses = 1 - ((below + at / 2)[:, 0] / totals[0])[level_of.ravel()]
    # Twice the won pairs are a whole number where classes are whole, so that 0 and 1 are exact.
    value = float((at[:, 0] * (2 * below[:, 1] + at[:, 1])).sum() / (2 * totals[0] * totals[1]))
    if why := _unfit(weights, base):
        return value, why
    residuals = np.column_stack([wins - value, losses - value]) * weights
    return _scored(value, weights, numbers, residuals, base)


def _unfit(weights: FloatArray, base: Basis) -> str | None:
    """Why there is no interval, in words; None if there is one."""
    clustered = base.clusters is not None
    for name, own in zip(("positive", "negative"), weights.T, strict=True):
        cluster_weights = np.asarray(np.bincount(base.groups, weights=own, minlength=base.count), float)
        cluster_weights = cluster_weights[cluster_weights > 0]
        if len(cluster_weights) < 2:
            return f"one {name} {'cluster' if clustered else 'sample'}"
        if why := why_no_interval(cluster_weights, clustered=clustered):
            return f"{name}: {why}"
    return None


def _scored(
    value: float, weights: FloatArray, numbers: FloatArray, residuals: FloatArray, base: Basis
) -> AurocInterval:
    """The interval from the samples' weights in both classes and residuals [n, 2], and each class's effective number of samples [2]."""
    totals = weights.sum(axis=0)
    sums, pull, single = (
        np.zeros((base.count, 2)),
        np.zeros((base.count, 2)),
        residuals**2 / (1 - weights / totals) / totals**2,
    )
    np.add.at(sums, base.groups, weights)
    np.add.at(pull, base.groups, residuals)
    pull /= np.sqrt(1 - sums / totals) * totals
    parts = np.maximum((pull**2).sum(axis=0), single.sum(axis=0))
    seen = float(parts.sum() + 2 * pull.prod(axis=1).sum())
    freedoms = np.array([satterthwaite(own[own > 0]) for own in sums.T])

    # Misplaced samples of the smaller class, if each were compared with one of the other.
    fewer = float(numbers.min())
    events = min(value, 1 - value) * fewer
    alone = base.clusters is None
    trust = events**2 / (events**2 + _WORTH**2) if alone else events / (events + _WORTH_OF_CLUSTERS)
    size = float(((sums**2).sum(axis=0) / (weights**2).sum(axis=0)).max())
    expected, share = _variance(value, numbers), value * (1 - value) / fewer
    outliers = max(float(numbers.max()) / _pairs_of_one(value, numbers) - 1, 0.0)
    ratio = trust * (seen / expected if expected > 0 else 0.0)
    ratio += (1 - trust) * (1 + _OUTLIERS * outliers if alone else size)
    guess = _combined_freedom(1 / numbers, freedoms)
    freedom = 1 / (
        trust / (_combined_freedom(parts, freedoms) if parts.any() else guess) + (1 - trust) / guess
    )

    quantile = t_quantile(freedom, base.level)
    low, high = (_end(value, end, quantile**2 * ratio, numbers) for end in (0.0, 1.0))
    variance = trust * max(seen, 0.0) + (1 - trust) * size * share
    trials = max(value * (1 - value) / variance, 1.0) if 0 < value < 1 else fewer / size
    low, high = _guarded(value, (low, high), trials, base.level)
    return AurocInterval(value, low, high, math.sqrt(max(seen, 0.0)), pull.sum(axis=1))


def _guarded(value: float, ends: tuple[float, float], trials: float, level: float) -> tuple[float, float]:
    """The ends, moved out to the exact ones where these apply."""
    least, most = exact_interval(value, trials, 1 - GUARD * (1 - level))
    outer = max(0.0, 1 - abs(value - 0.5) / _MIDDLE)
    below, above = (1.0, outer) if value < 0.5 else (outer, 1.0)
    return (
        ends[0] + below * min(least - ends[0], 0.0),
        ends[1] + above * max(most - ends[1], 0.0),
    )


def _variance(area: float, totals: FloatArray) -> float:
    """Hanley & McNeil's variance, symmetric in the classes."""
    return area * (1 - area) * _pairs_of_one(area, totals) / float(totals.prod())


def _pairs_of_one(area: float, totals: FloatArray) -> float:
    """That variance times the number of pairs, relative to the variance of one pair."""
    return 1 + (float(totals.sum()) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))


def _end(value: float, end: float, factor: float, totals: FloatArray) -> float:
    """The area between `value` and `end` from which `value` is √(factor · variance) away, by bisection."""
    inside, outside = value, end
    for _ in range(60):
        middle = (inside + outside) / 2
        if (value - middle) ** 2 < factor * _variance(middle, totals):
            inside = middle
        else:
            outside = middle
    return outside


def _combined_freedom(parts: FloatArray, freedoms: FloatArray) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances with these degrees of freedom."""
    return float(parts.sum() ** 2 / (parts**2 / freedoms).sum())
