"""Estimates of numbers that are no function of sums, such as an AUROC, by resampling whole clusters.

`lsm_eval.statistics.intervals` computes what is a function of sums faster, and what has to be computed anew from the
samples themselves with far fewer resamples; this is for numbers that come quickly from an array a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import RESAMPLES, percentiles, wilson

FloatArray = NDArray[np.float64]


def resampled_estimate(
    value_of: Callable[[FloatArray], float],
    statistics: FloatArray,
    clusters: Sequence[str | None],
    *,
    missing: int,
    seed: int,
    level: float = 0.95,
    trials: Callable[[FloatArray], int] | None = None,
    draws: int = RESAMPLES,
) -> Estimate:
    """Value and interval of `value_of(rows [m, k])` over samples' statistics [n, k] and their clusters, n long (None: a
    sample that stands alone).

    Percentiles of a seeded bootstrap that draws whole clusters; resamples on which the value is undefined (NaN) are
    left out and counted in the method. A fraction that is 0 or 1 would have an interval without width: with `trials`
    it gets Wilson's for so many trials instead, given one row a cluster."""
    stats = np.asarray(statistics, float)
    base = basis(clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    value = value_of(stats)
    if found := base.without_interval(value):
        return found
    groups, count = base.groups, base.count
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    if trials is not None and value in (0.0, 1.0):
        least = trials(stats[[own[0] for own in members]])
        return base.result(value, f"wilson({least} trials)", wilson(value * least, least, level), 0.0)
    rng = np.random.default_rng(seed)
    values = np.array(
        [
            value_of(stats[np.concatenate([members[group] for group in draw])])
            for draw in rng.integers(0, count, (draws, count))
        ]
    )
    method, interval, stderr = percentiles(values, level, clustered=base.clusters is not None)
    return base.result(value, method, interval, stderr)
