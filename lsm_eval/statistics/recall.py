"""Recall at a budget of errors, with its interval.

Guesses are taken in the order of their confidence until E of n are wrong. The population value is the share of guesses that are
right and lie above the threshold above which a share E/n of all guesses is wrong. Two quantities are uncertain, as with a true-positive
rate at a low false-positive rate (`statistics.tpr`):

- the share of right guesses above a fixed threshold: a proportion of all n (`statistics.bounded`);
- the threshold. The number of wrong guesses above it is binomial with n trials at rate E/n, so that the threshold
  lies between the order statistics at its quantiles (David & Nagaraja, Order Statistics, 2003, section 7.1); with clusters, for their
  effective number of trials.

Both are combined by square and add (Newcombe, Statistics in Medicine 17:873-890, 1998, method 10) with their correlation. More right
guesses by chance mean fewer wrong ones, hence a lower threshold and again more right ones: without clusters the correlation is
√(pq / ((1 - p)(1 - q))) for a share p right and q wrong; with clusters that of their residuals, if it is larger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.bounded import FloatArray, bounded_mean
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import cluster_sums
from lsm_eval.statistics.square_and_add import joint


def recall_at(confidence: FloatArray, right: FloatArray, errors: float) -> float:
    """Share of all n samples that are right and more confident than the E-th wrong one, with E = `errors` · n
    rounded down, at least 1, as in the scorer of the Training Data Extraction Challenge with its E of 100.

    `confidence` and `right` (0 or 1) are [n]; among equally confident samples the wrong ones come first."""
    return _before(right[_order(confidence, right)], _budget(errors, len(right)))


def recall_estimate(
    confidence: FloatArray,
    right: FloatArray,
    errors: float,
    clusters: Sequence[str | None],
    *,
    missing: int,
    level: float = 0.95,
) -> Estimate:
    """The same with its interval; clusters are n long (None: in no cluster)."""
    from scipy.stats import binom

    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    confidence, right = np.asarray(confidence, float), np.asarray(right, float)
    value = recall_at(confidence, right, errors)
    if found := base.without_interval(value):
        return found
    number = base.number
    budget = _budget(errors, number)
    order = _order(confidence, right)
    ordered = right[order]
    above = np.empty(number)
    above[order] = np.cumsum(1 - ordered) < budget
    sides = [
        bounded_mean(np.column_stack([own, np.ones(number)]), base.groups, base.count, level)
        for own in (above * right, above * (1 - right))
    ]
    hits, misses = sides
    if isinstance(hits, str) or isinstance(misses, str):
        return base.result(value, f"none ({hits})")
    rate = budget / number
    trials = number if base.clusters is None else max(1, math.floor(min(misses.trials, number) + 1e-9))
    tail = (1 - level) / 2
    fewest, most = (round(number * binom.ppf(at, trials, rate) / trials) for at in (tail, 1 - tail))
    by_threshold = _before(ordered, fewest), _before(ordered, most + 1)
    alike = _alike(above * right, 1 - (1 - right) * above, base.groups, base.count)
    low = value - joint(value - hits.low, max(0.0, value - by_threshold[0]), alike)
    high = value + joint(hits.high - value, max(0.0, by_threshold[1] - value), alike)
    method = "wilson and order statistics" + (" (clusters)" if base.clusters else "")
    return base.result(value, method, (max(0.0, low), min(1.0, high)))


def _budget(errors: float, number: int) -> int:
    return max(1, int(errors * number + 1e-9))


def _order(confidence: FloatArray, right: FloatArray) -> NDArray[np.intp]:
    return np.lexsort((right, -confidence))


def _before(ordered: FloatArray, place: int) -> float:
    """Share of all samples that are right and come before the `place`-th wrong one of `ordered`; 0 before the 0-th."""
    return float(ordered[np.cumsum(1 - ordered) < place].sum() / len(ordered))


def _alike(first: FloatArray, second: FloatArray, groups: NDArray[np.intp], count: int) -> float:
    """The correlation of two columns of samples, or of their clusters' sums if that is larger; 0 if a column is constant."""
    apart = np.column_stack([first - first.mean(), second - second.mean()])
    found = 0.0
    for rows in (apart, cluster_sums(apart, groups, count)):
        size = math.sqrt(float(np.prod((rows**2).sum(axis=0))))
        found = max(found, float(rows.prod(axis=1).sum()) / size if size > 0 else 0.0)
    return min(found, 1.0)
