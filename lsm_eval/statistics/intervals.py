"""Estimates with intervals, from a metric's per-sample statistics.

The kind of interval depends only on the metric and the data, so that it is reproducible:

- a proportion of independent samples that count 0 or 1: Wilson's score interval (Wilson 1927), with no end inside the
  exact interval of 93.5 %; for fewer than five samples Clopper & Pearson's (1934), which is never too narrow;
- any other mean of values from 0 to 1 (of points from 0 to 100, or within the metric's own `span`): Wilson's on an effective
  number of trials, robust to clusters (`statistics.bounded`);
- any other mean, of ten samples or more: a t interval with the CR2 standard error, robust to clusters, and Satterthwaite's
  degrees of freedom (`statistics.bounded`), the end on the side of the longer tail moved outwards (`statistics.skewed`); without
  clusters each sample counts as one; no interval if all samples, or all but two, are equal;
- any other function of sums: Student's t on a suitable scale, with the CR2 standard error for a ratio of two sums, else
  the jackknife's (`statistics.smooth`);
- a number without sums (`estimate_corpus`): the jackknife's, over at most 20 groups if there are many samples;
- none, with the reason, if there are fewer than five clusters or one holds more than half of the samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import (
    GUARD,
    bounded_mean,
    exact_interval,
    normal_quantile,
    robust_mean,
    score_interval,
    t_quantile,
    why_no_interval,
)
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.skewed import end_distances, too_few_numbers
from lsm_eval.statistics.smooth import NO_SPREAD, jackknife, smooth, too_few

FloatArray = NDArray[np.float64]

CORPUS_WHOLE_MOST = 200
"""Up to this many samples a corpus metric is recomputed without each cluster, beyond it without each of 20 groups."""
JACKKNIFE_GROUPS = 20

_TOP = {"fraction": 1.0, "points": 100.0}
"""The upper end of units with a range that begins at 0."""
_EXACT_BELOW = 5


class Quantity(Protocol):
    """A number that is a function of sums of per-sample statistics: what a metric must provide."""

    @property
    def unit(self) -> str: ...

    @property
    def mean(self) -> bool: ...

    @property
    def proportion(self) -> bool: ...

    def aggregate(self, sums: FloatArray) -> FloatArray: ...


def estimate(
    metric: Quantity,
    samples_stats: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    ties: int,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """Value and interval of a metric from per-sample statistics [n, k] and the samples' clusters, n long (None: in no
    cluster). Without an interval `method` says why; undefined values are None."""
    stats = np.asarray(samples_stats, float)
    base = basis(clusters, missing=missing, ties=ties, level=level)
    number, groups, group_count = base.number, base.groups, base.count
    if len(stats) != number:
        raise UserError(f"{len(stats)} samples have {number} clusters: give one for each sample (or None).")
    if found := base.empty():
        return found
    value = float(metric.aggregate(stats.sum(axis=0)))
    if found := base.without_interval(value):
        return found
    sums = cluster_sums(stats, groups, group_count)
    if metric.mean or metric.proportion:
        return _of_mean(metric, base, stats, sums, value)
    return smooth(
        metric.aggregate,
        base,
        stats,
        sums,
        value,
        share=metric.unit == "fraction",
        span=getattr(metric, "span", None),
        logarithm=metric.unit == "perplexity",
        positive=metric.unit in ("perplexity", "bits", "nats"),
    )


def _of_mean(metric: Quantity, base: Basis, stats: FloatArray, sums: FloatArray, value: float) -> Estimate:
    """The estimate of a mean from statistics (value, weight), shape [n, 2], and their sums by cluster."""
    number, alone = base.number, base.clusters is None
    if metric.proportion and alone and np.isin(stats[:, 0], (0.0, 1.0)).all() and (stats[:, 1] == 1).all():
        stderr = math.sqrt(value * (1 - value) / (number - 1))
        return base.result(
            value, *proportion_interval(int(stats[:, 0].sum()), number, base.level), stderr=stderr
        )
    if (rows := _within(stats, span := span_of(metric))) is not None:
        assert span is not None
        found = bounded_mean(rows, base.groups, base.count, base.level)
        if isinstance(found, str):
            return base.result(value, f"none ({found})")
        method = "wilson(effective)" if alone else "wilson(effective, clusters)"
        low, width = span[0], span[1] - span[0]
        ends = min(low + width * found.low, value), max(low + width * found.high, value)
        return base.result(value, method, ends, width * found.robust.stderr)
    nonempty = sums[sums[:, 1] > 0]
    if why := why_no_interval(nonempty[:, 1], clustered=not alone):
        return base.result(value, f"none ({why})")
    robust, what = robust_mean(nonempty), "samples" if alone else "clusters"
    if robust.stderr <= 1e-12 * abs(value):
        return base.result(value, NO_SPREAD.format(what=what))
    if why := too_few_numbers(nonempty, robust, what):
        return base.result(value, f"none ({why})")
    below, above = end_distances(nonempty, robust, base.level)
    interval = value - below * robust.stderr, value + above * robust.stderr
    return base.result(value, "t" if alone else "t(clusters)", interval, robust.stderr)


def span_of(metric: Quantity) -> tuple[float, float] | None:
    """The range of a metric's values: its own `span`, or that of its unit; None if there is none."""
    own: tuple[float, float] | None = getattr(metric, "span", None)
    top = _TOP.get(metric.unit)
    return own or (None if top is None else (0.0, top))


def _within(stats: FloatArray, span: tuple[float, float] | None) -> FloatArray | None:
    """Statistics (value, weight) [n, 2] with values rescaled from `span` to 0 to 1; None if some lie outside of it."""
    if span is None:
        return None
    low, high = span
    shares, weight = (stats[:, 0] - low * stats[:, 1]) / (high - low), stats[:, 1]
    rounding = 1e-12 * np.maximum(weight, 1)
    if (shares < -rounding).any() or (shares > weight + rounding).any():
        return None
    return np.column_stack([np.clip(shares, 0, weight), weight])


def estimate_corpus(
    compute: Callable[[Sequence[int]], float],
    clusters: Sequence[str | None],
    *,
    missing: int,
    seed: int,
    level: float = 0.95,
    span: tuple[float, float] | None = None,
) -> Estimate:
    """Value and interval of a number that has no per-sample statistics; `compute` gives it over the samples with
    these indices into `clusters`. `span` is its range, if it has one.

    Up to 200 samples: the leave-one-cluster-out jackknife (`statistics.smooth`). Beyond: a delete-a-group jackknife over 20
    groups of whole clusters (fewer where there are fewer clusters; Kott, Journal of Official Statistics 17:521-526, 2001),
    about equally large, with Student's t on their Satterthwaite degrees of freedom; so there are at most 21 computations,
    however many samples there are. `seed` decides the groups."""
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    value = compute(range(base.number))
    if found := base.without_interval(value):
        return found
    if why := too_few(base):
        return base.result(value, f"none ({why})")
    without, sizes, method = corpus_groups(compute, base, seed)
    return jackknife(base, value, without, sizes, method, span=span)


def corpus_groups(
    compute: Callable[[Sequence[int]], float], base: Basis, seed: int
) -> tuple[FloatArray, FloatArray, str]:
    """The values without each of G groups of clusters [G], the groups' sizes [G] and the method's name."""
    whole = base.number <= CORPUS_WHOLE_MOST or base.count <= JACKKNIFE_GROUPS
    part_of = np.arange(base.count) if whole else _groups_of_clusters(base.groups, base.count, seed)
    part = part_of[base.groups]
    sizes = np.bincount(part).astype(float)
    without = np.array([compute(np.flatnonzero(part != one).tolist()) for one in range(len(sizes))])
    what = "groups" if not whole else "clusters" if base.clusters is not None else "samples"
    return without, sizes, f"jackknife({len(sizes)} {what})" if not whole else f"jackknife({what})"


def _groups_of_clusters(groups: NDArray[np.intp], count: int, seed: int) -> NDArray[np.intp]:
    """The number of each cluster's group: in random order, large clusters first, each into the group with the fewest
    samples."""
    sizes = np.bincount(groups, minlength=count)
    order = np.random.default_rng(seed).permutation(count)
    order = order[np.argsort(-sizes[order], kind="stable")]
    made = np.empty(count, np.intp)
    if sizes.max() == sizes.min():
        made[order] = np.arange(count) % JACKKNIFE_GROUPS
        return made
    loads = [(0, group) for group in range(JACKKNIFE_GROUPS)]
    for cluster in order:
        load, group = heappop(loads)
        made[cluster] = group
        heappush(loads, (load + int(sizes[cluster]), group))
    return made


def proportion_interval(successes: float, trials: int, level: float) -> tuple[str, tuple[float, float]]:
    """Method and interval of a share of independent samples; `successes` may be fractional, for planning.

    From five samples on it is Wilson's, with no end inside the Clopper & Pearson interval of 93.5 % (for a level of 95 %): by
    itself, Wilson's lower end exceeds the truth far too often if few events are expected (16 % of the time at .17 events; Brown,
    Cai & DasGupta, Statistical Science 16:101-133, 2001, who correct it by Poisson bounds for one to three events). So it
    covers at its nominal level on average, and at 93.5 % or more for every share and number of trials."""
    if trials < _EXACT_BELOW:
        return "clopper-pearson", clopper_pearson(successes, trials, level)
    low, high = wilson(successes, trials, level)
    least, most = clopper_pearson(successes, trials, 1 - GUARD * (1 - level))
    return "wilson", (min(low, least), max(high, most))


def wilson(successes: float, trials: float, level: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, without continuity correction (Wilson 1927)."""
    return score_interval(successes / trials, trials, normal_quantile(level))


def clopper_pearson(successes: float, trials: int, level: float) -> tuple[float, float]:
    """The exact interval of a proportion (Clopper & Pearson, Biometrika 26:404-413, 1934): it covers at its nominal level or
    more for every proportion."""
    return exact_interval(successes / trials, trials, level)


def t_interval(
    value: float, stderr: float, freedom: float, level: float, bounds: tuple[float, float] | None
) -> tuple[float, float]:
    """value ± t · stderr, clipped to `bounds`."""
    half = t_quantile(freedom, level) * stderr
    low, high = value - half, value + half
    return (low, high) if bounds is None else (max(low, bounds[0]), min(high, bounds[1]))


def cluster_sums(stats: FloatArray, groups: NDArray[np.intp], count: int) -> FloatArray:
    """Sums of statistics [n, k] over clusters, shape [G, k]."""
    if len(groups) != len(stats):
        raise UserError(
            f"{len(stats)} samples have {len(groups)} clusters: give one for each sample (or None)."
        )
    sums = np.zeros((count, stats.shape[1]))
    np.add.at(sums, groups, stats)
    return sums
