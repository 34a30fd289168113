"""The area under the risk-coverage curve, and its interval.

With n answers in the order of their confidence, the risk r_k is the share of wrong ones among the first k, and the area is its
mean over k = 1..n (Geifman, Uziel & El-Yaniv, ICLR 2019). The excess is the area minus the smallest that the same errors allow.

The interval is Wilson's on an effective number of trials, as in `statistics.bounded`:

- an answer's influence on the area (Hampel, J. Am. Stat. Assoc. 69:383-393, 1974) is the risk at its place minus the
  area, plus (wrong - r_k) / k for each later place k; the variance is the CR2 variance of these, summed over clusters;
- the number of trials is the one for which a share of this size has that variance;
- a few errors say little about it. It is shrunk towards a conservative prior of n / 2 trials (that of an uninformative confidence:
  influences are then wrong · E with E exponential, whose mean square is 2) with all samples of a cluster alike. The
  prior weighs as much as `_WORTH` samples in n · min(area, 1 - area). So an interval has a width even if nothing is wrong, and
  does not jump at the first error;
- no end is inside the Clopper & Pearson interval of 93.5 % (Biometrika 26:404-413, 1934) for that number: if one error in ten answers is
  unlikely, the score interval after such an error begins above the area far too often, and the area of few answers is biased upwards.

Samples may have unequal weights w_i: the risk r_k is then weighted, with W_k = Σ w_i over the first k, and the area is Σ w_k r_k / Σ w_k, so
that each place counts by its weight; samples of equal confidence share their weights equally. Influences have w_k / W_k in place of
1 / k, n is the effective number (Σw)² / Σw² (Kish, Survey Sampling, 1965, section 11.7), and the degrees of
freedom are those of `bounded.weighted_freedom`.

The prior's weight is our own choice, by the simulations of `benchmarks/coverage_other.py` (`coverage_shares.py` for weighted samples).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.bounded import (
    FEWEST_CLUSTERS,
    GUARD,
    FloatArray,
    exact_interval,
    robust_mean,
    score_interval,
    t_quantile,
    variance_addends,
    weighted_freedom,
    why_no_interval,
)
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import cluster_sums

_DESIGN = 2.0
_WORTH = 2.0


def over_ties(confidence: FloatArray, values: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Values [n], each replaced by the mean (weighted by `weight` [n], if given) over samples of equal confidence [n]: the average
    over all orders of tied samples."""
    _, level = np.unique(confidence, return_inverse=True)
    level = level.ravel()
    heavy = np.ones(len(values)) if weight is None else weight
    means = np.bincount(level, weights=heavy * values) / np.bincount(level, weights=heavy)
    shared: FloatArray = means[level]
    return shared


def risk_coverage(
    confidence: FloatArray, wrong: FloatArray, *, excess: bool = False, weights: FloatArray | None = None
) -> float:
    """The area, 0 to 1, from confidences [n], how wrong each answer is (0 to 1) [n] and the answers' `weights` [n], if they
    are unequal; for answers of equal confidence it is the average over their orders. NaN without answers."""
    if not len(wrong):
        return math.nan
    heavy = np.ones(len(wrong)) if weights is None else weights
    area = _area(*_in_order(confidence, wrong, heavy)[1:])
    return area - _area(*_in_order(-wrong, wrong, heavy)[1:]) if excess else area


def risk_coverage_estimate(
    confidence: FloatArray,
    wrong: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    excess: bool = False,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> Estimate:
    """The same with its interval; clusters are n long (None: in no cluster)."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    value = risk_coverage(confidence, wrong, excess=excess, weights=weights)
    if found := base.without_interval(value):
        return found
    number, alone = base.number, base.clusters is None
    if alone and number < FEWEST_CLUSTERS:
        return base.result(value, f"none (only {number} samples)")
    heavy = np.ones(number) if weights is None else weights
    sizes = np.asarray(np.bincount(base.groups, weights=heavy, minlength=base.count), float)
    if why := why_no_interval(sizes, clustered=not alone):
        return base.result(value, f"none ({why})")
    influences = np.column_stack([_influences(confidence, wrong, heavy, excess=excess), np.ones(number)])
    influences *= heavy[:, None]
    sums = cluster_sums(influences, base.groups, base.count)
    robust = robust_mean(sums)
    variance = max(robust.stderr, robust_mean(influences).stderr) ** 2
    share = min(max(value, 0.0), 1.0)
    square = float((heavy**2).sum())
    worth = float(heavy.sum()) ** 2 / square
    most = share * (1 - share) / (worth - 1)
    events = worth * min(share, 1 - share)
    alike = float((sizes**2).sum()) / square
    seen = variance / most if most > 0 else 0.0
    design = (seen * events + _DESIGN * alike * _WORTH) / (events + _WORTH)
    freedom = weighted_freedom(robust.freedom, variance_addends(sums, robust), worth, number)
    low, high = score_interval(share, worth / design, t_quantile(freedom, level))
    least, most = exact_interval(share, worth / design, 1 - GUARD * (1 - level))
    low, high = min(low, least), max(high, most)
    method = "wilson(effective, area)" if alone else "wilson(effective, area, clusters)"
    return base.result(value, method, (min(low, value), max(high, value)), robust.stderr)


def _in_order(
    confidence: FloatArray, wrong: FloatArray, weight: FloatArray
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Indices by descending confidence, and in that order how wrong the answers are and their weights."""
    order = np.argsort(-confidence, kind="stable")
    return order, over_ties(confidence, wrong, weight)[order], over_ties(confidence, weight)[order]


def _area(wrong: FloatArray, weight: FloatArray) -> float:
    """Mean risk over all coverages, from errors [n] by descending confidence and their weights [n]."""
    return float((weight * np.cumsum(weight * wrong) / np.cumsum(weight)).sum() / weight.sum())


def _influences(confidence: FloatArray, wrong: FloatArray, weight: FloatArray, *, excess: bool) -> FloatArray:
    """Each answer's influence on the area, per unit of weight and times the sum of weights: [n], in the order of the answers."""
    order, shared, heavy = _in_order(confidence, wrong, weight)
    before = np.cumsum(heavy)
    inverse = heavy / before
    risk = np.cumsum(heavy * shared) / before
    later, of_risk = (np.cumsum(x[::-1])[::-1] for x in (inverse, risk * inverse))
    area = float((heavy * risk).sum() / before[-1])
    own = risk - area + wrong[order] * later - of_risk
    if excess:
        # The derivative of the least area with respect to the share of errors, with e of n wrong, is H_n - H_(n - e).
        own = own - _harmonic(wrong, weight) * (wrong[order] - float(np.average(wrong, weights=weight)))
    back: FloatArray = np.empty(len(wrong))
    back[order] = own
    return back


def _harmonic(wrong: FloatArray, weight: FloatArray) -> float:
    """H_n - H_(n - e) for weighted answers: the sum of w_k / W_k over the last places, where the errors would be at best."""
    _, _, heavy = _in_order(-wrong, wrong, weight)
    before = np.cumsum(heavy)
    right = before[-1] - float((weight * wrong).sum())
    return float((heavy / before)[before - heavy / 2 > right - 1e-9].sum())
