"""The interval of a macro-averaged F1, the mean of the classes' F1 = 2 TP / (predicted + true), or of one class's F1.

It is Wilson's on an effective number of trials, as for any mean from 0 to 1 (`statistics.bounded`), of the linearised macro-F1:

- a sample has the influence z = 1/k · Σ (2 tp - F · d) / D, summed over the k classes, where d counts the class among the sample's
  prediction and truth, and D is the sum of d over all samples (the delta method; Takahashi et al., Applied Intelligence
  52:4961-4972, 2022). Each class's part gets the CR2 correction for the share of D in the sample's cluster, so that the
  correction is larger for a rare class; the variance is Σ z² over clusters;
- degrees of freedom are those of Welch & Satterthwaite for a sum of variances, from the classes' degrees of freedom;
- if few samples are wrong (or few right) the variance is shrunk towards a conservative prior, as in `statistics.bounded`:
  the next wrong sample confuses the two rarest classes, which costs most.

Samples may have unequal weights: sums are then weighted, and a class has the effective size (Σ w d)² / Σ w² d (Kish, Survey
Sampling, 1965, section 11.7), which is its D for equal weights; degrees of freedom are those of `bounded.weighted_freedom`.

A class that is never true or predicted is left out. There is no interval if a class has fewer than five samples, or, with clusters,
if fewer than five hold the class or one holds more than half of it: a rare class's F1 is then unknown, and has the same
weight as any other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import (
    CORRELATION,
    FloatArray,
    score_interval,
    t_quantile,
    weighted_freedom,
    why_no_interval,
)
from lsm_eval.statistics.estimate import Estimate

FEWEST_OF_A_CLASS = 5
_DESIGN_EVENTS = 1.0
_SPREAD_EVENTS = 0.5


def macro_f1(hits: FloatArray, predicted: FloatArray, true: FloatArray) -> FloatArray:
    """Sums over samples by class, each [..., k], to macro-F1 [...] over the classes that are ever true or predicted
    (scikit-learn's default); NaN if there are none."""
    weights = predicted + true
    seen = weights > 0
    each = np.divide(2 * hits, weights, out=np.zeros(np.shape(weights)), where=seen)
    number = seen.sum(axis=-1)
    means: FloatArray = np.divide(
        each.sum(axis=-1), number, out=np.full(np.shape(number), np.nan), where=number > 0
    )
    return means


def macro_f1_estimate(
    hits: FloatArray,
    predicted: FloatArray,
    true: FloatArray,
    labels: Sequence[str],
    clusters: Sequence[str | None],
    *,
    missing: int,
    ties: int = 0,
    level: float = 0.95,
    weights: FloatArray | None = None,
) -> Estimate:
    """The estimate from each sample's statistics by class, each [n, k]: whether the class is true (`true`, 0 or 1), whether it is
    predicted (`predicted`; shares for tied predictions), and both (`hits`). `labels` are the k classes' names, for messages; `weights`
    are those of the samples [n], if they are unequal, and sum to the effective number of samples.

    For one class (k = 1) it is that class's F1. That is not a share of independent trials (`bounded_mean`): a hit counts twice, as
    a prediction and as the truth, so that the F1 of a class with few hits varies by up to twice as much as a share."""
    base = basis(clusters, missing=missing, ties=ties, level=level)
    if found := base.empty():
        return found
    heavy = np.ones(base.number) if weights is None else weights
    hits, predicted, true = (column * heavy[:, None] for column in (hits, predicted, true))
    value = float(macro_f1(hits.sum(axis=0), predicted.sum(axis=0), true.sum(axis=0)))
    if found := base.without_interval(value):
        return found
    seen = (predicted + true).sum(axis=0) > 0
    hits, predicted, true = hits[:, seen], predicted[:, seen], true[:, seen]
    if why := _too_few(
        true, heavy, [label for label, there in zip(labels, seen, strict=True) if there], base
    ):
        return base.result(value, f"none ({why})")

    counts = predicted + true
    parts, freedoms = _influences(hits, counts, base.groups, base.count)
    alone, _ = _influences(hits, counts, np.arange(base.number), base.number)
    variance, variance_alone = _variance(parts), _variance(alone)
    # A sample is right as far as its own class is hit; a wrong one counts once, although it affects two classes.
    events = min(float(hits.sum()), float((counts - 2 * hits).max(axis=1).sum()))
    own = counts.sum(axis=1)
    size = float((np.bincount(base.groups, own) ** 2).sum()) / float((own**2).sum())
    design = _cautious(
        max(variance / variance_alone, 1.0) if variance_alone > 0 else 1.0,
        1 + (size - 1) * CORRELATION,
        events,
        _DESIGN_EVENTS,
    )
    worth = counts.sum(axis=0) ** 2 / (heavy[:, None] * counts).sum(axis=0)
    rarest = np.sort(worth)[:2]
    number = len(rarest) * counts.shape[1] / float((2 / rarest).sum())
    most = value * (1 - value) / max(number - 1, 1.0)
    spread = _cautious(variance_alone / most if most > 0 else 1.0, 1.0, events, _SPREAD_EVENTS)
    freedom = _freedom(parts, worth, freedoms, events)
    whole = float(heavy.sum()) ** 2 / float((heavy**2).sum())
    freedom = weighted_freedom(freedom, parts.sum(axis=1) ** 2, whole, base.number)
    quantile = t_quantile(freedom, base.level)
    ends = score_interval(value, number / (design * spread), quantile)
    also = "" if base.clusters is None else ", clusters"
    return base.result(value, f"wilson(effective, macro{also})", ends, math.sqrt(variance))


def _too_few(true: FloatArray, heavy: FloatArray, labels: Sequence[str], base: Basis) -> str | None:
    """Which class has too little support, in words; None if all have enough. `true` is weighted."""
    counts = (true > 0).sum(axis=0)
    worth = true.sum(axis=0) ** 2 / np.maximum((heavy[:, None] * true).sum(axis=0), 1e-300)
    rarest = int(worth.argmin())
    if worth[rarest] < FEWEST_OF_A_CLASS - 1e-9:
        number = int(counts[rarest])
        if number >= FEWEST_OF_A_CLASS:
            return f"class {labels[rarest]!r} has samples worth {worth[rarest]:.1f}"
        return f"class {labels[rarest]!r} has {number or 'no'} sample{'' if number == 1 else 's'}"
    if base.clusters is None:
        return None
    sizes = np.bincount(base.groups, minlength=base.count).astype(float)
    if why := why_no_interval(sizes, clustered=True):
        return why
    class_counts = np.zeros((base.count, true.shape[1]))
    np.add.at(class_counts, base.groups, true)
    for label, own in zip(labels, class_counts.T, strict=True):
        if why := why_no_interval(own[own > 0], clustered=True):
            return f"class {label!r}: {why}"
    return None


def _influences(
    hits: FloatArray, weights: FloatArray, groups: NDArray[np.intp], count: int
) -> tuple[FloatArray, FloatArray]:
    """Each cluster's influence on each class's part of macro-F1 [G, k], with the CR2 correction; and each class's
    degrees of freedom [k] (as `bounded.robust_mean` has them, for the ratio that its F1 is)."""
    total = weights.sum(axis=0)
    each = 2 * hits.sum(axis=0) / total
    residual, sums = np.zeros((count, weights.shape[1])), np.zeros((count, weights.shape[1]))
    np.add.at(residual, groups, 2 * hits - each * weights)
    np.add.at(sums, groups, weights)
    rest = np.maximum(1 - sums / total, 1e-9)
    parts: FloatArray = residual / total / np.sqrt(rest) / len(total)
    pull = sums**2 / total / rest
    freedoms = total**2 / ((sums**2).sum(axis=0) + pull.sum(axis=0) ** 2 - (pull**2).sum(axis=0))
    return parts, freedoms


def _variance(parts: FloatArray) -> float:
    return float((parts.sum(axis=1) ** 2).sum())


def _freedom(parts: FloatArray, worth: FloatArray, freedoms: FloatArray, events: float) -> float:
    """Welch & Satterthwaite's degrees of freedom; with few events, using the variance shares of classes of equal F1."""
    own = (parts**2).sum(axis=0)
    shares = 1 / worth / float((1 / worth).sum())
    if own.sum() > 0:
        shares = (events * own / own.sum() + _SPREAD_EVENTS * shares) / (events + _SPREAD_EVENTS)
    return float(1 / (shares**2 / freedoms).sum())


def _cautious(seen: float, guess: float, events: float, worth: float) -> float:
    return (seen * events + guess * worth) / (events + worth)
