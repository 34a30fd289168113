"""The area under the risk-coverage curve, and its interval.

With n answers in the order of their confidence, the risk r_k is the share of wrong ones among the first k, and the area their
mean over k = 1..n (Geifman, Uziel & El-Yaniv, ICLR 2019). Its excess is what is above the least area that as many errors allow.

The interval is Wilson's on an effective number of trials, as in `statistics.bounded`:

- what one answer does to the area (its influence: Hampel, J. Am. Stat. Assoc. 69:383-393, 1974) is its place's risk less the
  area, and for each later place k (wrong - r_k) / k; the variance is CR2's of these, summed over clusters;
- the number of trials is what would give a share of the same size that variance;
- a few errors tell little of it. It is averaged with a cautious guess, that the number is n / 2 (that of answers whose confidence
  says nothing: their influences are wrong · E with E exponential, and E has a mean square of 2) and all of a cluster alike. The
  guess weighs as much as `_WORTH` samples in n · min(area, 1 - area). So an interval has a width where nothing is wrong, and
  does not jump where the first error comes;
- no end is inside Clopper & Pearson's of 93.5 % (Biometrika 26:404-413, 1934) for that number: where one error in ten answers is hardly
  expected, the score interval of one that came begins above the area far too often, the more so as the area of few is too large.

Samples may weigh more than others (w_i): the risk r_k is then of weights, W_k = Σ w_i over the first k, and the area Σ w_k r_k / Σ w_k, so
that each place is as long as what it stands for; places of equal confidence are equally long. An influence is the same with
w_k / W_k in place of 1 / k, n is what the samples are worth, (Σw)² / Σw² (Kish, Survey Sampling, 1965, section 11.7), and the degrees of
freedom are `bounded.weighted_freedom`'s.

`benchmarks/coverage_further.py` simulates it (`coverage_shares.py` where samples weigh); the guess's weight was chosen there, and is ours.
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
    addends_of,
    exact_interval,
    robust_mean,
    score_interval,
    t_quantile,
    unfit,
    weighted_freedom,
)
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import cluster_sums

_DESIGN = 2.0
_WORTH = 2.0


def over_ties(confidence: FloatArray, values: FloatArray, weight: FloatArray | None = None) -> FloatArray:
    """Values [n], each the mean (by `weight` [n], where there is one) over samples of equal confidence [n]: what any order
    among them gives on average."""
    _, level = np.unique(confidence, return_inverse=True)
    level = level.ravel()
    heavy = np.ones(len(values)) if weight is None else weight
    means = np.bincount(level, weights=heavy * values) / np.bincount(level, weights=heavy)
    shared: FloatArray = means[level]
    return shared


def risk_coverage(
    confidence: FloatArray, wrong: FloatArray, *, excess: bool = False, weights: FloatArray | None = None
) -> float:
    """The area from confidences [n] and how wrong each answer is (0 to 1) [n], 0 to 1, and the answers' `weights` [n] where they
    are not all the same; answers of equal confidence count as any order among them does on average. NaN without answers."""
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
    """The same with its interval; clusters are n long (None: an answer that stands alone)."""
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
    if why := unfit(sizes, clustered=not alone):
        return base.result(value, f"none ({why})")
    pulls = np.column_stack([_influences(confidence, wrong, heavy, excess=excess), np.ones(number)])
    pulls *= heavy[:, None]
    sums = cluster_sums(pulls, base.groups, base.count)
    robust = robust_mean(sums)
    variance = max(robust.stderr, robust_mean(pulls).stderr) ** 2
    share = min(max(value, 0.0), 1.0)
    square = float((heavy**2).sum())
    worth = float(heavy.sum()) ** 2 / square
    most = share * (1 - share) / (worth - 1)
    events = worth * min(share, 1 - share)
    alike = float((sizes**2).sum()) / square
    seen = variance / most if most > 0 else 0.0
    design = (seen * events + _DESIGN * alike * _WORTH) / (events + _WORTH)
    freedom = weighted_freedom(robust.freedom, addends_of(sums, robust), worth, number)
    low, high = score_interval(share, worth / design, t_quantile(freedom, level))
    least, most = exact_interval(share, worth / design, 1 - GUARD * (1 - level))
    low, high = min(low, least), max(high, most)
    method = "wilson(effective, area)" if alone else "wilson(effective, area, clusters)"
    return base.result(value, method, (min(low, value), max(high, value)), robust.stderr)


def _in_order(
    confidence: FloatArray, wrong: FloatArray, weight: FloatArray
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Indices, the most confident first, how wrong the answers are in that order, and their weights in it."""
    order = np.argsort(-confidence, kind="stable")
    return order, over_ties(confidence, wrong, weight)[order], over_ties(confidence, weight)[order]


def _area(wrong: FloatArray, weight: FloatArray) -> float:
    """Mean risk over all coverages of errors [n], the most confident first, with these weights [n]."""
    return float((weight * np.cumsum(weight * wrong) / np.cumsum(weight)).sum() / weight.sum())


def _influences(confidence: FloatArray, wrong: FloatArray, weight: FloatArray, *, excess: bool) -> FloatArray:
    """What each answer does to the area, by its weight and times the sum of all: [n], in the answers' own order."""
    order, shared, heavy = _in_order(confidence, wrong, weight)
    before = np.cumsum(heavy)
    inverse = heavy / before
    risk = np.cumsum(heavy * shared) / before
    later, of_risk = (np.cumsum(x[::-1])[::-1] for x in (inverse, risk * inverse))
    area = float((heavy * risk).sum() / before[-1])
    own = risk - area + wrong[order] * later - of_risk
    if excess:
        # The least area grows by H_n - H_(n - e) with the share of errors, e of n being wrong.
        own = own - _harmonic(wrong, weight) * (wrong[order] - float(np.average(wrong, weights=weight)))
    back: FloatArray = np.empty(len(wrong))
    back[order] = own
    return back


def _harmonic(wrong: FloatArray, weight: FloatArray) -> float:
    """H_n - H_(n - e) of answers that weigh: w_k / W_k summed over the last places, which errors would have at best."""
    _, _, heavy = _in_order(-wrong, wrong, weight)
    before = np.cumsum(heavy)
    right = before[-1] - float((weight * wrong).sum())
    return float((heavy / before)[before - heavy / 2 > right - 1e-9].sum())
