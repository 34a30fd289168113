"""How many positives are found where so many of the negatives are taken for positives, and how sure that is.

The threshold is a quantile of the negatives' scores, and so uncertain itself. That it be exceeded by k of N negatives seen
does not make its false-positive rate k / N: of all others, about (k + 2/3) / (N + 1/3) lie above the (k + 1)-th highest
score (the median; Hyndman & Fan, The American Statistician 50:361-365, 1996, definition 8, whose rate holds however scores are
spread). The true-positive rate is interpolated between the two negatives whose rates enclose the one asked for. Taking the
highest threshold that keeps k / N ≤ rate, as is often done, finds too many: .138 for .092 with 100 and 100 normal scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lsm_eval.statistics.basis import basis, cluster_numbers
from lsm_eval.statistics.bounded import Bounded, FloatArray, bounded_mean
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.square_and_add import joint

_FIRST = 2 / 3


def fewest_negatives(fpr: float) -> int:
    """So many negatives it takes to estimate a true-positive rate at this false-positive rate: with fewer, even the highest
    has a rate above it."""
    return max(1, math.ceil(_FIRST / fpr - 1 / 3 - 1e-9)) if fpr > 0 else 0


def tpr_at(scores: FloatArray, positive: FloatArray, fpr: float) -> float:
    """True-positive rate at a false-positive rate above 0, nearly unbiased; ties count against.

    `scores` and `positive` (0 or 1) are [n]. NaN without positives, or with fewer negatives than `fewest_negatives`."""
    found, others = scores[positive == 1], np.sort(scores[positive == 0])[::-1]
    if not len(found) or not len(others) or len(others) < fewest_negatives(fpr):
        return math.nan
    place = fpr * (len(others) + 1 / 3) + 1 / 3
    lower = math.floor(place + 1e-9)
    share = max(0.0, place - lower)
    return (1 - share) * _found(found, others, lower) + share * _found(found, others, lower + 1)


def tpr_estimate(
    scores: FloatArray,
    positive: FloatArray,
    fpr: float,
    clusters: Sequence[str | None],
    *,
    missing: int,
    level: float = 0.95,
) -> Estimate:
    """The rate with its interval, of scores [n], classes (0 or 1) [n] and clusters, n long (None: a sample that stands alone).

    Two uncertainties are squared and added (Newcombe, Statistics in Medicine 17:873-890, 1998, method 10): that of the
    share of positives above a fixed threshold (`statistics.bounded`), and that of the threshold, between the order statistics that
    enclose the quantile (David & Nagaraja, Order Statistics, 2003) for as many negatives as their clusters are
    worth. With no more than some 370 negatives at 1 % the quantile may lie above all of them, and the lower end is 0."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    number = int((positive == 0).sum())
    if (positive == 1).any() and 0 < number < fewest_negatives(fpr):
        return base.result(
            None, f"none ({number} negatives; a rate of {fpr:g} takes {fewest_negatives(fpr)})"
        )
    value = tpr_at(scores, positive, fpr)
    if found := base.without_interval(value):
        return found

    others = np.sort(scores[positive == 0])[::-1]
    place = max(1, math.floor(fpr * (number + 1 / 3) + 1 / 3 + 1e-9))
    above = scores > others[min(place, number - 1)]
    sides: list[Bounded] = []
    for side, name in ((1, "positives"), (0, "negatives")):
        own = positive == side
        groups, count = cluster_numbers([c for c, there in zip(clusters, own, strict=True) if there])
        rows = np.column_stack([above[own].astype(float), np.ones(int(own.sum()))])
        made = bounded_mean(rows, groups, count, level)
        if isinstance(made, str):
            return base.result(value, f"none ({name}: {made})")
        sides.append(made)

    from scipy.stats import binom

    trials = max(1, math.floor(min(sides[1].trials, number) + 1e-9)) if base.clusters else number
    tail = (1 - level) / 2
    fewest, most = (round(number * binom.ppf(at, trials, fpr) / trials) for at in (tail, 1 - tail))
    positives = scores[positive == 1]
    by_threshold = _found(positives, others, fewest), _found(positives, others, most + 1)
    low = value - joint(sides[0].robust.mean - sides[0].low, max(0.0, value - by_threshold[0]), 0.0)
    high = value + joint(sides[0].high - sides[0].robust.mean, max(0.0, by_threshold[1] - value), 0.0)
    method = "wilson and order statistics" + (" (clusters)" if base.clusters else "")
    return base.result(value, method, (max(0.0, low), min(1.0, high)))


def _found(positives: FloatArray, others: FloatArray, place: int) -> float:
    """The share of positives above the `place`-th highest negative: none above the 0-th, all above the last but one's
    successor."""
    if place < 1:
        return 0.0
    return 1.0 if place > len(others) else float((positives > others[place - 1]).mean())
