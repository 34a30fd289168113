"""Estimates with intervals, from a metric's per-sample statistics.

Which interval, decided by the metric and the data alone (never by a clock), so that it can be had again:

- a proportion whose samples stand alone and count 0 or 1: Wilson's score interval (Wilson 1927);
- any other mean: a t interval with a standard error robust to clusters (Miller 2024, "Adding Error Bars to
  Evals", section 2.2, after Liang & Zeger 1986), with the factor G / (G - 1) for G clusters and G - 1 degrees of
  freedom, cut to the unit's range; samples that stand alone are clusters of one, which gives the usual interval;
- a clustered proportion of 0 and 1 that is the same in all clusters, and any mean of fractions that are all 0 or all 1:
  Wilson's interval with a cluster as one trial, because the standard error would be 0;
- everything else: percentiles of a seeded bootstrap that draws whole clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.estimate import Estimate

FloatArray = NDArray[np.float64]

RESAMPLES = 1000
CORPUS_RESAMPLES = 200
CORPUS_BOOTSTRAP_MOST = 200
"""Up to this many samples a corpus metric is computed anew for every resample, beyond it for 20 groups."""
JACKKNIFE_GROUPS = 20
_CHUNK = 4_000_000
"""Numbers held at once by a bootstrap (32 MB)."""

_RANGE = {"fraction": (0.0, 1.0), "points": (0.0, 100.0)}


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
    if metric.proportion and shown is None and np.isin(stats[:, 0], (0.0, 1.0)).all():
        stderr = math.sqrt(value * (1 - value) / (number - 1))
        return base.result(value, "wilson", wilson(stats[:, 0].sum(), number, level), stderr)
    sums = cluster_sums(stats, groups, group_count)
    stderr = clustered_stderr(sums) if metric.mean or metric.proportion else 0.0
    # Exact ties (shares of a sample) have no spread to hide: they are the same whatever is drawn.
    decided = np.isin(stats[:, 0], (0.0, 1.0)).all()
    # A mean of values from 0 to 1 is 0 only where all are: its interval must not shrink to nothing either.
    fraction = metric.proportion or (metric.mean and metric.unit == "fraction" and stderr == 0)
    at_end = fraction and value in (0.0, 1.0)
    if at_end or (metric.proportion and stderr == 0 and decided):
        method = "wilson" if shown is None else "wilson(clusters)"
        return base.result(value, method, wilson(value * group_count, group_count, level), 0.0)
    if metric.mean or metric.proportion:
        interval = t_interval(value, stderr, group_count - 1, level, _RANGE.get(metric.unit))
        return base.result(value, "t" if shown is None else "clustered-t", interval, stderr)
    method, drawn, stderr_or_none = bootstrap(
        metric.aggregate, sums, seed, level, clustered=shown is not None
    )
    return base.result(value, method, drawn, stderr_or_none)


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


def wilson(successes: float, trials: int, level: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion, without continuity correction (Wilson 1927)."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # The ends are exact where nothing, or everything, succeeded; rounding must not move them.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def clustered_stderr(sums: FloatArray) -> float:
    """Standard error of a mean from sums (value, count) of G clusters, shape [G, 2]; G at least 2.

    Liang-Zeger's sandwich with the small-sample factor G / (G - 1); for clusters of one it is the usual
    standard error s / √n."""
    mean = sums[:, 0].sum() / sums[:, 1].sum()
    residuals = sums[:, 0] - mean * sums[:, 1]
    count = len(sums)
    return math.sqrt(count / (count - 1) * float(np.square(residuals).sum())) / float(sums[:, 1].sum())


def t_interval(
    value: float, stderr: float, freedom: int, level: float, bounds: tuple[float, float] | None
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
