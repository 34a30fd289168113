"""Estimates of numbers that are no function of sums, such as an AUROC, by resampling whole clusters.

`lsm_eval.statistics.intervals` computes what is a function of sums faster, and what has to be computed anew from the
samples themselves with far fewer resamples; this is for numbers that come quickly from an array a sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import RESAMPLES, cluster_numbers, wilson

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
    number = len(stats)
    groups, count = cluster_numbers(clusters)
    shown = count if count < number else None

    def result(
        value: float | None,
        method: str,
        interval: tuple[float, float] | None = None,
        stderr: float | None = None,
    ) -> Estimate:
        low, high = interval or (None, None)
        return Estimate(value, low, high, stderr, method, level, number, missing, shown)

    if number == 0:
        return result(None, "none (no samples)")
    value = value_of(stats)
    if not math.isfinite(value):
        return result(None, "none (undefined on these samples)")
    if count == 1:
        return result(value, "none (one sample)" if number == 1 else "none (one cluster)")
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    if trials is not None and value in (0.0, 1.0):
        least = trials(stats[[own[0] for own in members]])
        return result(value, f"wilson({least} trials)", wilson(value * least, least, level), 0.0)
    rng = np.random.default_rng(seed)
    values = np.array(
        [
            value_of(stats[np.concatenate([members[group] for group in draw])])
            for draw in rng.integers(0, count, (draws, count))
        ]
    )
    known = values[np.isfinite(values)]
    undefined = draws - len(known)
    if 2 * len(known) <= draws:
        return result(value, f"none ({undefined} of {draws} resamples undefined)")
    what = "samples" if shown is None else "clusters"
    method = f"bootstrap({draws}, {what}{f', {undefined} undefined' if undefined else ''})"
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return result(value, method, (float(low), float(high)), float(known.std(ddof=1)))
