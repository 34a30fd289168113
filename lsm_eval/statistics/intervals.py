"""Estimates with intervals, from a metric's per-sample statistics.

Which interval, decided by the metric and the data alone (never by a clock), so that it can be had again:

- a proportion whose samples stand alone and count 0 or 1: Wilson's score interval (Wilson 1927), for fewer than five
  samples Clopper & Pearson's (1934), which is never too narrow;
- any other mean of values from 0 to 1 (or of points from 0 to 100): Wilson's on an effective number of trials, robust to
  clusters (`statistics.bounded`);
- any other mean: a t interval with the CR2 standard error, robust to clusters, and Satterthwaite's degrees of freedom (the
  same room); samples that stand alone are clusters of one, which gives the usual interval;
- none, with the reason, where there are fewer than five clusters or one holds more than half of the samples;
- everything else: percentiles of a seeded bootstrap that draws whole clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import bounded_mean, normal_quantile, robust_mean, score_interval, unfit
from lsm_eval.statistics.estimate import Estimate

FloatArray = NDArray[np.float64]

RESAMPLES = 1000
CORPUS_RESAMPLES = 200
CORPUS_BOOTSTRAP_MOST = 200
"""Up to this many samples a corpus metric is computed anew for every resample, beyond it for 20 groups."""
JACKKNIFE_GROUPS = 20
_CHUNK = 4_000_000
"""Numbers held at once by a bootstrap (32 MB)."""

_TOP = {"fraction": 1.0, "points": 100.0}
"""The end of units that begin at 0 and have one."""
_EXACT_BELOW = 5


class Quantity(Protocol):
    """A number that is a function of sums of per-sample statistics: what is asked here of a metric."""

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
    """Value and interval of a metric from per-sample statistics [n, k] and the samples' clusters, n long (None: a
    sample that stands alone). Without an interval `method` says why; undefined values are None."""
    stats = np.asarray(samples_stats, float)
    base = basis(clusters, missing=missing, ties=ties, level=level)
    number, groups, group_count, shown = base.number, base.groups, base.count, base.clusters
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
    method, drawn, stderr_or_none = bootstrap(
        metric.aggregate, sums, seed, level, clustered=shown is not None
    )
    return base.result(value, method, drawn, stderr_or_none)


def _of_mean(metric: Quantity, base: Basis, stats: FloatArray, sums: FloatArray, value: float) -> Estimate:
    """The estimate of a mean from statistics (value, weight), shape [n, 2], and their sums by cluster."""
    number, alone = base.number, base.clusters is None
    if metric.proportion and alone and np.isin(stats[:, 0], (0.0, 1.0)).all() and (stats[:, 1] == 1).all():
        stderr = math.sqrt(value * (1 - value) / (number - 1))
        successes = int(stats[:, 0].sum())
        if number < _EXACT_BELOW:
            return base.result(
                value, "clopper-pearson", clopper_pearson(successes, number, base.level), stderr
            )
        return base.result(value, "wilson", wilson(successes, number, base.level), stderr)
    scale = _TOP.get(metric.unit)
    if scale and ((stats[:, 0] >= 0) & (stats[:, 0] <= scale * stats[:, 1] * (1 + 1e-12))).all():
        rows = np.column_stack([np.minimum(stats[:, 0] / scale, stats[:, 1]), stats[:, 1]])
        found = bounded_mean(rows, base.groups, base.count, base.level)
        if isinstance(found, str):
            return base.result(value, f"none ({found})")
        method = "wilson(effective)" if alone else "wilson(effective, clusters)"
        ends = min(scale * found.low, value), max(scale * found.high, value)
        return base.result(value, method, ends, scale * found.robust.stderr)
    held = sums[sums[:, 1] > 0]
    if why := unfit(held[:, 1], clustered=not alone):
        return base.result(value, f"none ({why})")
    robust = robust_mean(held)
    interval = t_interval(value, robust.stderr, robust.freedom, base.level, None)
    return base.result(value, "t" if alone else "t(clusters)", interval, robust.stderr)


def estimate_corpus(
    compute: Callable[[Sequence[int]], float],
    clusters: Sequence[str | None],
    *,
    missing: int,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """Value and interval of a number that has no per-sample statistics; `compute` gives it over the samples with
    these indices into `clusters`.

    Up to 200 samples: percentiles of 200 bootstrap resamples of clusters, each computed anew. Beyond: a delete-one
    jackknife over 20 groups of whole clusters (fewer where there are fewer clusters), with a t interval, so that
    no more than 21 computations are made however many samples there are."""
    base = basis(clusters, missing=missing, level=level)
    number, groups, group_count, shown = base.number, base.groups, base.count, base.clusters
    if found := base.empty():
        return found
    value = compute(range(number))
    if found := base.without_interval(value):
        return found

    rng = np.random.default_rng(seed)
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    if number <= CORPUS_BOOTSTRAP_MOST:
        draws = rng.integers(0, group_count, (CORPUS_RESAMPLES, group_count))
        values = np.array(
            [compute(np.concatenate([members[group] for group in draw]).tolist()) for draw in draws]
        )
        method, interval, stderr = percentiles(values, level, clustered=shown is not None)
    else:
        parts = min(JACKKNIFE_GROUPS, group_count)
        part_of = np.empty(group_count, int)
        part_of[rng.permutation(group_count)] = np.arange(group_count) % parts
        values = np.array(
            [compute(np.flatnonzero(part_of[groups] != part).tolist()) for part in range(parts)]
        )
        if not np.isfinite(values).all():
            why = "none (undefined without some groups)"
            return base.result(value, why)
        stderr = math.sqrt((parts - 1) / parts * float(np.square(values - values.mean()).sum()))
        interval = t_interval(value, stderr, parts - 1, level, None)
        method = f"jackknife({parts} groups)"
    return base.result(value, method, interval, stderr)


def wilson(successes: float, trials: float, level: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, without continuity correction (Wilson 1927)."""
    return score_interval(successes / trials, trials, normal_quantile(level))


def clopper_pearson(successes: int, trials: int, level: float) -> tuple[float, float]:
    """The exact interval of a proportion (Clopper & Pearson, Biometrika 26:404-413, 1934): it covers at least as often as
    it says, whatever the proportion."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(betaincinv(successes + 1, trials - successes, 1 - tail))
    return low, high


def t_interval(
    value: float, stderr: float, freedom: float, level: float, bounds: tuple[float, float] | None
) -> tuple[float, float]:
    """value ± t · stderr, cut to `bounds`."""
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.5 + level / 2)) * stderr
    low, high = value - half, value + half
    return (low, high) if bounds is None else (max(low, bounds[0]), min(high, bounds[1]))


def bootstrap(
    aggregate: Callable[[FloatArray], FloatArray],
    sums: FloatArray,
    seed: int,
    level: float,
    *,
    clustered: bool,
) -> tuple[str, tuple[float, float] | None, float | None]:
    """Method, percentile interval and standard error over resamples of clusters' sums [G, k].

    Resamples on which the metric is undefined are left out and counted in the method; where they are half or
    more there is no interval."""
    rng = np.random.default_rng(seed)
    count = len(sums)
    rows = max(1, _CHUNK // count)
    values = []
    for start in range(0, RESAMPLES, rows):
        draws = min(rows, RESAMPLES - start)
        drawn = rng.integers(0, count, (draws, count)) + count * np.arange(draws)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=draws * count).reshape(draws, count)
        values.append(aggregate(weights.astype(float) @ sums))
    return percentiles(np.concatenate(values), level, clustered=clustered)


def percentiles(
    values: FloatArray, level: float, *, clustered: bool
) -> tuple[str, tuple[float, float] | None, float | None]:
    """Method, percentile interval and standard error of resampled values; those that are undefined are left out and
    counted in the method, and where they are half or more there is no interval."""
    known = values[np.isfinite(values)]
    undefined = len(values) - len(known)
    if 2 * len(known) <= len(values):
        return f"none ({undefined} of {len(values)} resamples undefined)", None, None
    what = "clusters" if clustered else "samples"
    method = f"bootstrap({len(values)}, {what}{f', {undefined} undefined' if undefined else ''})"
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return method, (float(low), float(high)), float(known.std(ddof=1))


def cluster_sums(stats: FloatArray, groups: NDArray[np.intp], count: int) -> FloatArray:
    """Sums of statistics [n, k] over clusters, shape [G, k]."""
    if len(groups) != len(stats):
        raise UserError(
            f"{len(stats)} samples have {len(groups)} clusters: give one for each sample (or None)."
        )
    sums = np.zeros((count, stats.shape[1]))
    np.add.at(sums, groups, stats)
    return sums
