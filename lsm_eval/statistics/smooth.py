"""The interval of a number that is a smooth function of sums over samples: perplexities, shares of parts, BLEU, chrF, gaps.

- A function of the ratio of two sums (recognised by evaluating it, not by its name): if the ratio is a share, with each sample's
  numerator between 0 and its denominator, Wilson's interval on an effective number of trials (`statistics.bounded`); so a
  rare numerator over a random denominator is treated as the rate in a subset. Otherwise Student's t with the CR2
  standard error and degrees of freedom as in `statistics.bounded`, the end on the side of the longer tail moved outwards
  (`statistics.skewed`); the end on the side of 0 is computed on the ratio's logarithm if all numerators have one sign (for a
  perplexity, on the logarithm of its nats per word). The function is applied to the ends.
- Anything else: the leave-one-cluster-out jackknife (Tukey 1958; Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
  chapter 11) with Student's t, on the logit for a score of known range, on the logarithm for a perplexity, else as it is; the end
  on the side of the longer tail is moved outwards (`statistics.skewed`, by the skewness of the values' deviations).
  With G values v_g, each without one cluster, the squared standard error is (G - 1) / G · Σ (v_g - their mean)². The
  degrees of freedom are Satterthwaite's (`bounded.satterthwaite`) of clusters that weigh as much as their mean share of the
  sums: if a few long texts hold most of the n-grams, there are fewer than G - 1. Which share to use is our own choice, by
  simulation (`benchmarks/coverage.py`).

Nothing is random, so there is no seed, and the cost is that of G values.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lsm_eval.statistics.basis import Basis
from lsm_eval.statistics.bounded import (
    FEWEST_CLUSTERS,
    GUARD,
    FloatArray,
    bounded_mean,
    exact_interval,
    robust_mean,
    satterthwaite,
    score_interval,
    t_quantile,
    why_no_interval,
)
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.skewed import TIMES, end_distances, observed_skewness, too_alike, widened

Aggregate = Callable[[FloatArray], FloatArray]
Range = tuple[float, float]

NO_SPREAD = "none (no spread between the {what})"
"""An interval without width would claim certainty."""
_SEEN, _SEEN_FEW = 1.5, 8.0
"""Factor on the skewness of G leave-one-out values: the first, plus the second over G. Our own choice, by simulation."""


def smooth(
    aggregate: Aggregate,
    base: Basis,
    stats: FloatArray,
    sums: FloatArray,
    value: float,
    *,
    share: bool,
    span: Range | None,
    logarithm: bool,
    positive: bool = False,
) -> Estimate:
    """The estimate of `aggregate` from statistics [n, k] and their sums by cluster [G, k]; `value` is that of all samples.

    `share`: a ratio of two sums cannot exceed 1 (edits per word can), as Wilson's interval requires; `span`: the range of the
    number itself, if it has one; `logarithm`: the number is above 0 and is treated on the logarithmic scale; `positive`: a ratio of two
    sums is above 0 in every sample."""
    if (of_ratio := _of_ratio(aggregate, stats, sums)) is not None:
        return _ratio(of_ratio, base, stats, sums, value, share=share, positive=positive)
    if why := too_few(base):
        return base.result(value, f"none ({why})")
    total = sums.sum(axis=0)
    shares = sums[:, total > 0] / total[total > 0]
    weights = np.maximum(shares.mean(axis=1), 0.0) if shares.shape[1] else np.ones(len(sums))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        without = np.asarray(aggregate(total - sums), float)
    what = "samples" if base.clusters is None else "clusters"
    return jackknife(base, value, without, weights, f"jackknife({what})", span=span, logarithm=logarithm)


def too_few(base: Basis) -> str | None:
    """Why there are too few clusters for an interval, or why they are too unequal, in words; else None."""
    sizes = np.bincount(base.groups, minlength=base.count).astype(float)
    if base.clusters is None and base.number < FEWEST_CLUSTERS:
        return f"only {base.number} samples"
    return why_no_interval(sizes, clustered=base.clusters is not None)


def jackknife(
    base: Basis,
    value: float,
    without: FloatArray,
    weights: FloatArray,
    method: str,
    *,
    span: Range | None,
    logarithm: bool = False,
) -> Estimate:
    """The estimate from the values without each of G groups of clusters [G]; the groups' weights [G] give the degrees of freedom."""
    what = "samples" if base.clusters is None else "clusters"
    if not np.isfinite(without).all():
        return base.result(value, f"none (undefined without some {what})")
    if span is not None:
        value, without = float(_snapped(value, span)), _snapped(without, span)
    stderr, freedom = jackknife_error(without), jackknife_freedom(weights)
    if span is not None and not all(span[0] < one < span[1] for one in (value, *without)):
        return _at_an_end(base, value, without, stderr, span, freedom)
    if stderr <= 1e-12 * abs(value):
        return base.result(value, NO_SPREAD.format(what=what))
    quantile = t_quantile(freedom, base.level)
    if span is not None:
        low, width = span[0], span[1] - span[0]
        centre = _logit((value - low) / width)
        first, second = _skewed(float(centre), _logit((without - low) / width), quantile)
        ends = low + width * _expit(first), low + width * _expit(second)
        return base.result(value, f"{method}, logit", ends, stderr)
    if logarithm and value > 0 and (without > 0).all():
        first, second = _skewed(0.0, np.log(without), quantile)
        return base.result(
            value, f"{method}, log", (value * _exp(first), _finite(value * _exp(second))), stderr
        )
    return base.result(value, method, _skewed(value, without, quantile), stderr)


def _skewed(centre: float, without: FloatArray, quantile: float) -> tuple[float, float]:
    """The jackknife's ends from values without each group [G], on their scale."""
    below, above = observed_skewness(without.mean() - without, _SEEN + _SEEN_FEW / len(without))
    stderr = jackknife_error(without)
    return centre - widened(quantile, below) * stderr, centre + widened(quantile, above) * stderr


def _at_an_end(
    base: Basis, value: float, without: FloatArray, stderr: float, span: Range, freedom: float
) -> Estimate:
    """The estimate if all clusters, or all but one, have a value at an end of the range: Wilson's interval of none, or one, of the clusters.

    A cluster that has nothing in common with its references adds no matching n-gram: neither BLEU nor chrF can exceed the
    (weighted) share of clusters that have, so that a bound for this share is one for the score."""
    clusters = base.count
    events = 0 if value in span else 1
    below = value == span[0] or (value != span[1] and bool((without <= span[0]).any()))
    _, high = score_interval(events / clusters, clusters, t_quantile(freedom, base.level))
    width = span[1] - span[0]
    bound = max(width * high, (value - span[0]) if below else (span[1] - value))
    ends = (span[0], span[0] + bound) if below else (span[1] - bound, span[1])
    what = "samples" if base.clusters is None else "clusters"
    return base.result(value, f"wilson({events} of {clusters} {what})", ends, stderr)


def _of_ratio(aggregate: Aggregate, stats: FloatArray, sums: FloatArray) -> Callable[[float], float] | None:
    """`aggregate` as a function of the ratio of two sums; None if it is not a monotonic function of that ratio, as judged by the sums
    without each cluster."""
    if stats.shape[1] != 2 or (stats[:, 1] < 0).any():
        return None
    rest = sums.sum(axis=0) - sums
    rest = np.vstack([sums.sum(axis=0), rest[rest[:, 1] > 0]])
    ratios = rest[:, 0] / rest[:, 1]

    def of(ratio: float) -> float:
        return float(aggregate(np.array([ratio, 1.0])))

    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.asarray(aggregate(rest), float)
        alone = np.asarray(aggregate(np.column_stack([ratios, np.ones(len(ratios))])), float)
        if not np.isfinite(whole).all() or not np.allclose(whole, alone, rtol=1e-9, atol=1e-12):
            return None
        steps = np.diff(alone[np.argsort(ratios, kind="stable")])
    scale = 1e-9 * float(np.abs(alone).max())
    return of if (steps >= -scale).all() or (steps <= scale).all() else None


def _ratio(
    of: Callable[[float], float],
    base: Basis,
    stats: FloatArray,
    sums: FloatArray,
    value: float,
    *,
    share: bool,
    positive: bool,
) -> Estimate:
    alone = base.clusters is None
    if share and ((stats[:, 0] >= 0) & (stats[:, 0] <= stats[:, 1] * (1 + 1e-12))).all():
        rows = np.column_stack([np.minimum(stats[:, 0], stats[:, 1]), stats[:, 1]])
        found = bounded_mean(rows, base.groups, base.count, base.level)
        if isinstance(found, str):
            return base.result(value, f"none ({found})")
        method = "wilson(effective, ratio)" if alone else "wilson(effective, ratio, clusters)"
        ends = found.low, found.high
        if alone:
            least, most = exact_interval(found.robust.mean, found.trials, 1 - GUARD * (1 - base.level))
            ends = min(ends[0], least), max(ends[1], most)
        return _mapped(of, base, value, found.robust.mean, ends, found.robust.stderr, method)
    nonempty = sums[sums[:, 1] > 0]
    if why := (
        too_few(base)
        or why_no_interval(nonempty[:, 1], clustered=not alone or len(nonempty) < FEWEST_CLUSTERS)
    ):
        return base.result(value, f"none ({why})")
    robust = robust_mean(nonempty)
    what = "samples" if alone else "clusters"
    if robust.stderr <= 1e-12 * abs(robust.mean):
        return base.result(value, NO_SPREAD.format(what=what))
    if why := too_alike(nonempty, what):
        return base.result(value, f"none ({why})")
    # Unequal weights look like skewness; for a positive number the bound by its coefficient of variation is enough.
    below, above = end_distances(nonempty, robust, base.level, times=1.0 if positive else TIMES)
    ends = robust.mean - below * robust.stderr, robust.mean + above * robust.stderr
    method = "t(ratio)" if alone else "t(ratio, clusters)"
    if positive and ((nonempty[:, 0] > 0).all() or (nonempty[:, 0] < 0).all()):
        method = method.replace("ratio", "log ratio")
    # The end on the side of 0, which numerators of one sign cannot pass, is computed on the logarithm.
    if (nonempty[:, 0] >= 0).all():
        ends = robust.mean * _exp(-below * robust.stderr / robust.mean), ends[1]
    elif (nonempty[:, 0] <= 0).all():
        ends = ends[0], robust.mean * _exp(above * robust.stderr / robust.mean)
    return _mapped(of, base, value, robust.mean, ends, robust.stderr, method)


def _mapped(
    of: Callable[[float], float],
    base: Basis,
    value: float,
    ratio: float,
    ends: tuple[float, float],
    stderr: float,
    method: str,
) -> Estimate:
    """The estimate with the function applied to the ends of the ratio's interval, and the standard error multiplied by the
    function's slope."""
    first, second = map(of, ends)
    low, high = min(first, second, value), max(first, second, value)
    if not math.isfinite(high) or not math.isfinite(low):
        return base.result(value, "none (an end is infinite)")
    if low == high:
        return base.result(value, NO_SPREAD.format(what="samples" if base.clusters is None else "clusters"))
    step = 1e-5 * abs(ends[1] - ends[0])
    slope = abs(of(ratio + step) - of(ratio - step)) / (2 * step)
    return base.result(value, method, (low, high), stderr * slope)


def jackknife_error(without: FloatArray) -> float:
    """Jackknife standard error from the values without each of G groups [G]."""
    count = len(without)
    return math.sqrt((count - 1) / count * float(np.square(without - without.mean()).sum()))


def jackknife_freedom(weights: FloatArray) -> float:
    """The jackknife's degrees of freedom for groups of these weights [G]."""
    positive = weights[weights > 0]
    if len(positive) < 2:
        return 1.0
    return satterthwaite(positive)


def _snapped(values: FloatArray | float, span: Range) -> FloatArray:
    """Values with those within rounding of an end of the range set to that end."""
    low, high = span
    near = 1e-9 * (high - low)
    found = np.where(np.abs(np.subtract(values, low)) <= near, low, values)
    return np.where(np.abs(np.subtract(values, high)) <= near, high, found)


def _logit(share: FloatArray | float) -> FloatArray:
    return np.asarray(np.log(share) - np.log1p(-np.asarray(share)))


def _expit(odds: FloatArray | float) -> float:
    from scipy.special import expit

    return float(expit(odds))


def _exp(power: float) -> float:
    return math.exp(min(power, 700.0))


def _finite(number: float) -> float:
    return min(number, 1.7e308)
