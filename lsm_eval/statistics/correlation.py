"""The interval of Pearson's correlation, for points that may be clustered.

It is computed on Fisher's scale z = artanh r (Metron 1:3-32, 1921), where the variance hardly depends on r, and transformed back:

- the jackknife variance, leaving out one cluster at a time (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11),
  assumes no distribution; 1 / (G - 3), the variance for G points from a normal distribution, is far too small with heavy
  tails (75 to 85 % of such intervals covered). But the jackknife is noisy with few points, and with skewed ones it is smallest
  where the correlation is furthest off. The variance used is the largest of the jackknife's, the normal distribution's, and their
  average by degrees of freedom, of which the normal counts `_NORMAL_FREEDOM`;
- Student's t has the jackknife's degrees of freedom plus `_MORE_FREEDOM`, and fewer if the variance rests on few of the clusters
  (`bounded.concentrated_freedom`).

The constants are our own choice, by simulation (`benchmarks/coverage_other.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import (
    FEWEST_CLUSTERS,
    FloatArray,
    concentrated_freedom,
    satterthwaite,
    t_quantile,
)
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import cluster_sums
from lsm_eval.statistics.smooth import too_few

_NORMAL_FREEDOM = 5.0
_MORE_FREEDOM = 3.0
_FEWEST_FREEDOM = 3.0
_LARGEST = 1 - 1e-12
"""Limit for the leave-one-out correlations, whose z would otherwise be infinite."""
_LEAST_SPREAD = 1e-9
"""Least spread of a variable relative to its largest absolute value: below it, rounding errors of equal values could pass for a correlation."""


def correlation(x: FloatArray, y: FloatArray) -> float:
    """Pearson's r of points x, y [n]; NaN if a variable is constant."""
    return float(_of_moments(_moments(x, y).sum(axis=0))) if len(x) else math.nan


def correlation_estimate(
    x: FloatArray,
    y: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    ties: int = 0,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> Estimate:
    """Pearson's r of points x, y [n] with its interval; clusters are n long (None: in no cluster), and `weights` [n] those
    of the points, if they are unequal: moments are then weighted, and G in Fisher's variance is the effective number of clusters,
    (Σw)² / Σw² (Kish, Survey Sampling, 1965, section 11.7). There is no interval with fewer than five points or clusters, or an effective
    number below five, or if all points lie on one line; `method` says so."""
    base = basis(clusters, missing=missing, ties=ties, level=level)
    if found := base.empty():
        return found
    moments = _moments(np.asarray(x, float), np.asarray(y, float))
    if weights is not None:
        moments = moments * weights[:, None]
    value = float(_of_moments(moments.sum(axis=0)))
    if found := base.without_interval(value):
        return found
    if why := too_few(base):
        return base.result(value, f"none ({why})")
    if abs(value) >= _LARGEST:
        return base.result(value, "none (all points lie on one line)")
    sums = cluster_sums(moments, base.groups, base.count)
    worth = float(base.count)
    if weights is not None:
        worth = float(sums[:, 0].sum() ** 2 / np.square(sums[:, 0]).sum())
    what = "samples" if base.clusters is None else "clusters"
    if worth < FEWEST_CLUSTERS - 1e-9:
        return base.result(value, f"none ({what} worth only {worth:.1f})")
    without = _of_moments(sums.sum(axis=0) - sums)
    if not np.isfinite(without).all():
        return base.result(value, f"none (undefined without some {what})")
    z = np.arctanh(np.clip(without, -_LARGEST, _LARGEST))
    half = _half(z, sums[:, 0], worth, base)
    ends = math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)
    count = base.count
    stderr = math.sqrt((count - 1) / count * float(np.square(without - without.mean()).sum()))
    return base.result(value, f"fisher(jackknife, {what})", ends, stderr)


def _half(z: FloatArray, sizes: FloatArray, worth: float, base: Basis) -> float:
    """Half the interval's width on Fisher's scale, from z without each cluster [G], the clusters' sizes [G] and their effective number."""
    count = len(z)
    addends = (count - 1) / count * np.square(z - z.mean())
    seen = float(addends.sum())
    freedom = min(satterthwaite(sizes), concentrated_freedom(addends, _FEWEST_FREEDOM))
    normal = 1 / (worth - 3)
    averaged = (freedom * seen + _NORMAL_FREEDOM * normal) / (freedom + _NORMAL_FREEDOM)
    quantile = t_quantile(freedom + _MORE_FREEDOM, base.level)
    return quantile * math.sqrt(max(averaged, seen, normal))


def _moments(x: FloatArray, y: FloatArray) -> FloatArray:
    """(1, x, y, x², y², xy) of each point, centred and scaled by the largest absolute value to keep precision; [n, 6]."""
    x, y = _scaled(x), _scaled(y)
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])


def _scaled(values: FloatArray) -> FloatArray:
    apart = values - values.mean()
    largest = float(np.abs(apart).max())
    varies = largest > _LEAST_SPREAD * max(1.0, float(np.abs(values).max()))
    scaled: FloatArray = apart / largest if varies else np.zeros(len(values))
    return scaled


def _of_moments(sums: FloatArray) -> FloatArray:
    """Sums of moments [..., 6] to correlations [...]; NaN if a variable is constant."""
    number, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    first, second = number * xx - x**2, number * yy - y**2
    varied = (first > 1e-12 * number) & (second > 1e-12 * number)
    size = np.sqrt(np.where(varied, first * second, 1.0))
    found: FloatArray = np.clip((number * xy - x * y) / size, -1, 1)
    return np.where(varied, found, np.nan)
