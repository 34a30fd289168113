"""The true-positive rate at a given false-positive rate, with its interval.

The threshold is a quantile of the negatives' scores, and so uncertain itself. If k of N observed negatives exceed it,
its false-positive rate is not k / N: among new negatives, about (k + 2/3) / (N + 1/3) lie above the (k + 1)-th highest
score (the median; Hyndman & Fan, The American Statistician 50:361-365, 1996, definition 8, which holds for any distribution of
scores). The true-positive rate is interpolated between the two negatives whose rates enclose the requested one. The usual lowest
threshold with k / N ≤ rate finds too many: .138 for .092 with 100 and 100 normal scores.

Samples may have unequal weights. N is then the effective number of negatives, (Σw)² / Σw² (Kish, Survey Sampling, 1965, section 11.7;
Akinshin, arXiv 2304.07265, 2023, uses it for weighted quantiles), their weights v are scaled to sum to N, and among new negatives about
(V + v / 2 + 1/6) / (N + 1/3) lie above a negative of weight v, where V is the weight above it: the same formula for weights of 1,
and symmetric in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lsm_eval.statistics.basis import basis, cluster_numbers
from lsm_eval.statistics.bounded import BoundedMean, FloatArray, bounded_mean
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.square_and_add import joint

_FIRST, _SIXTH = 2 / 3, 1 / 6


def fewest_negatives(fpr: float) -> int:
    """The least number of negatives for a true-positive rate at this false-positive rate: with fewer, even the highest negative
    has a higher rate."""
    return max(1, math.ceil(_FIRST / fpr - 1 / 3 - 1e-9)) if fpr > 0 else 0


class _Negatives:
    """The negatives by descending score."""

    def __init__(self, scores: FloatArray, weights: FloatArray) -> None:
        order = np.argsort(-scores, kind="stable")
        self.scores = scores[order]
        square = float((weights**2).sum())
        self.worth = float(weights.sum()) ** 2 / square if square else 0.0
        own = weights[order] * (float(weights.sum()) / square) if square else weights
        self.reached = np.cumsum(own)
        """Cumulative weight of each negative and all above it [N]."""
        # Rates are (k - 1/3) / (N + 1/3) for weights of 1; one more place follows the last.
        self.places = np.append(self.reached - own / 2, self.worth + 0.5) + _SIXTH

    def place(self, fpr: float) -> tuple[int, float]:
        """The number, from 1, of the last negative whose rate is not above this one, and the position between it and the next, 0 to
        1; (0, 0) if even the highest negative has a higher rate."""
        wanted = fpr * (self.worth + 1 / 3)
        at = int(np.searchsorted(self.places, wanted + 1e-9, side="right"))
        if at in (0, len(self.places)):
            return at, 0.0
        share = (wanted - float(self.places[at - 1])) / float(self.places[at] - self.places[at - 1])
        return at, max(0.0, share)

    def within(self, weight: float) -> int:
        """How many of the highest negatives have this total weight, to the nearest whole number."""
        return round(float(np.interp(weight, np.append(0.0, self.reached), np.arange(len(self.reached) + 1))))


def tpr_at(scores: FloatArray, positive: FloatArray, fpr: float, weights: FloatArray | None = None) -> float:
    """True-positive rate at a false-positive rate above 0, nearly unbiased; ties count against.

    `scores`, `positive` (0 or 1) and `weights`, if these are unequal, are [n]. NaN without positives, or with
    fewer negatives than `fewest_negatives`."""
    heavy = np.ones(len(scores)) if weights is None else weights
    is_positive = positive == 1
    others = _Negatives(scores[~is_positive], heavy[~is_positive])
    place, share = others.place(fpr)
    if not is_positive.any() or not place:
        return math.nan
    lower, upper = (
        _found(scores[is_positive], heavy[is_positive], others.scores, at) for at in (place, place + 1)
    )
    return (1 - share) * lower + share * upper


def tpr_estimate(
    scores: FloatArray,
    positive: FloatArray,
    fpr: float,
    clusters: Sequence[str | None],
    *,
    missing: int,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> Estimate:
    """The rate with its interval, of scores [n], classes (0 or 1) [n] and clusters, n long (None: in no cluster);
    `weights` of samples [n], if they are unequal.

    Two uncertainties are combined by square and add (Newcombe, Statistics in Medicine 17:873-890, 1998, method 10): that of the
    share of positives above a fixed threshold (`statistics.bounded`), and that of the threshold, between the order statistics that
    enclose the quantile (David & Nagaraja, Order Statistics, 2003) for the effective number of negatives. With up to about 370
    negatives at 1 % the quantile may lie above all of them, and the lower end is 0."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    heavy = np.ones(base.number) if weights is None else weights
    is_positive = positive == 1
    others = _Negatives(scores[~is_positive], heavy[~is_positive])
    fewest = fewest_negatives(fpr)
    if is_positive.any() and not is_positive.all() and not others.place(fpr)[0]:
        number = f"{int((~is_positive).sum())} negatives" + (
            f" worth {others.worth:.1f}" if weights is not None else ""
        )
        return base.result(None, f"none ({number}; a rate of {fpr:g} takes {fewest})")
    value = tpr_at(scores, positive, fpr, heavy)
    if found := base.without_interval(value):
        return found

    above = scores > others.scores[min(others.place(fpr)[0], len(others.scores) - 1)]
    sides: list[BoundedMean] = []
    for side, name in ((1, "positives"), (0, "negatives")):
        own = positive == side
        groups, count = cluster_numbers([c for c, there in zip(clusters, own, strict=True) if there])
        # Scaled so that the class's weights sum to its effective number of samples.
        weight = heavy[own] * (heavy[own].sum() / np.square(heavy[own]).sum())
        made = bounded_mean(np.column_stack([above[own] * weight, weight]), groups, count, level)
        if isinstance(made, str):
            return base.result(value, f"none ({name}: {made})")
        sides.append(made)

    from scipy.stats import binom

    worth = others.worth
    own_trials = worth if base.clusters is None else min(sides[1].trials, worth)
    trials = max(1, math.floor(own_trials + 1e-9))
    tail = (1 - level) / 2
    least, most = (worth * float(binom.ppf(at, trials, fpr)) / trials for at in (tail, 1 - tail))
    places = others.within(least), others.within(most) + 1
    by_threshold = [_found(scores[is_positive], heavy[is_positive], others.scores, at) for at in places]
    low = value - joint(sides[0].robust.mean - sides[0].low, max(0.0, value - by_threshold[0]), 0.0)
    high = value + joint(sides[0].high - sides[0].robust.mean, max(0.0, by_threshold[1] - value), 0.0)
    method = "wilson and order statistics" + (" (clusters)" if base.clusters else "")
    return base.result(value, method, (max(0.0, low), min(1.0, high)))


def _found(positives: FloatArray, heavy: FloatArray, others: FloatArray, place: int) -> float:
    """The weighted share of positives above the `place`-th highest negative: 0 for place 0, 1 for a place after the last."""
    if place < 1:
        return 0.0
    return 1.0 if place > len(others) else float(np.average(positives > others[place - 1], weights=heavy))
