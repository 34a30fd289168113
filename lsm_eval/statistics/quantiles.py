"""Percentiles with distribution-free intervals, from order statistics.

Among n independent values, the number B at or below the true p-quantile is binomial(n, p) for any distribution
(or larger, with ties), so that the quantile lies between the l-th and the u-th smallest with a
probability of 1 - P(B < l) - P(B >= u) or more (David & Nagaraja, Order Statistics, 3rd edition 2003, section 7.1; Conover,
Practical Nonparametric Statistics, 3rd edition 1999, section 3.2). The ends are taken as in `scipy.stats.quantile_test`.

The rule: each end may miss with half of the total miss rate (2.5 %). If n is too small for that at the extreme end of the quantile,
the outermost value is that end as long as it misses with at most the total (5 %), and the other end gets the remainder. With fewer values
there is no interval, and the percentile is shown greyed: the limits are 6 values for the median, 29 for p90, 59 for p95, 299 for p99 (the
sizes from which a one-sided bound of 95 % exists; Wilks, Annals of Mathematical Statistics 12:91-96, 1941).

Clustered values (the gaps between the tokens of one answer) carry less information than as many independent ones: the ranks are those
for an effective number of values, that of the share below the quantile (`statistics.bounded`), as Woodruff (Journal of the American
Statistical Association 47:635-646, 1952) converts the interval of a share into that of a quantile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.bounded import bounded_mean, normal_quantile
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.methods import Method

PERCENTILES = (50.0, 90.0, 95.0, 99.0)
"""The percentiles that a profile reports."""

METHODS = (
    Method(
        "order statistics",
        1,
        "David & Nagaraja 2003, section 7.1; the sizes of Wilks 1941",
        "percentiles of values that stand alone, such as times of requests",
    ),
    Method(
        "order statistics (effective",
        1,
        "the same at an effective number of values, Woodruff 1952; Korn & Graubard 1998, CR2 of Bell & McCaffrey 2002",
        "percentiles of values in clusters, such as gaps between the tokens of answers",
    ),
)
"""Methods for the intervals of percentiles. They do not affect the numbers of tasks, nor their signatures, so they have a separate table."""


@lru_cache(maxsize=4096)
def ranks(n: int, share: float, level: float = 0.95) -> tuple[int, int] | None:
    """Ranks l and u, from 1, of the order statistics between which the `share`-quantile of n values lies with probability `level` or
    more; None if n is too small (see the module's rule)."""
    if n < 1:
        return None
    miss = 1 - level
    whole = miss * (1 + 1e-12)  # .95 ** 59 must not fail by a rounding error
    all_below, all_above = share**n, (1 - share) ** n  # the miss rates of the outermost values
    if all_below + all_above > whole:
        return None
    above = min(miss / 2, miss - all_above) if all_below <= miss / 2 else all_below
    below = min(miss / 2, miss - all_below) if all_above <= miss / 2 else all_above
    low = _lower(n, share, below)
    high = n + 1 - _lower(n, 1 - share, above)
    return (low, high) if low >= 1 else None


def _lower(n: int, share: float, miss: float) -> int:
    """The largest l with P(B < l) <= miss, for B binomial(n, share); 0 if there is none."""
    # scipy.stats takes a second to import, and every run has percentiles.
    from scipy.special import bdtr, bdtrik

    slack = miss * (1 + 1e-12)
    guess = float(bdtrik(miss, n, share))
    at = min(max(int(guess), 0), n) if math.isfinite(guess) else 0
    while at > 0 and bdtr(at - 1, n, share) > slack:
        at -= 1
    while at < n and bdtr(at, n, share) <= slack:
        at += 1
    return at


@lru_cache(maxsize=256)
def fewest(share: float, level: float = 0.95) -> int:
    """The least number of values for an interval of the `share`-quantile."""
    n = 1
    while ranks(n, share, level) is None:
        n += 1
    return n


def quantile(
    values: Sequence[float] | NDArray[np.float64],
    share: float,
    clusters: Sequence[str | None] | None = None,
    *,
    missing: int = 0,
    level: float = 0.95,
) -> Estimate:
    """The `share`-quantile of `values` (in their unit), 0 < share < 1, with its interval. The value interpolates between
    neighbours (Hyndman & Fan 1996, definition 7: numpy's and vLLM's). `clusters` as in `intervals.estimate`; without an
    interval `method` says why."""
    data = np.sort(np.asarray(values, float))
    number = len(data)
    base = basis([None] * number if clusters is None else clusters, missing=missing, level=level)
    if found := base.empty():
        return found
    value = float(np.quantile(data, share))
    if not math.isfinite(value):
        return base.result(None, "none (undefined on these samples)")
    if base.clusters is None:
        found_ranks = ranks(number, share, level)
        if found_ranks is None:
            return base.result(value, _too_few(number, share, level))
        low, high = found_ranks
        return base.result(value, "order statistics", (float(data[low - 1]), float(data[high - 1])))
    below = (np.asarray(values, float) <= value).astype(float)
    share_below = bounded_mean(np.column_stack([below, np.ones(number)]), base.groups, base.count, level)
    if isinstance(share_below, str):
        return base.result(value, f"none ({share_below})")
    worth = min(share_below.trials * (normal_quantile(level) / share_below.quantile) ** 2, float(number))
    effective = math.floor(worth)
    found_ranks = ranks(effective, share, level)
    if found_ranks is None:
        return base.result(value, _too_few(effective, share, level, "effective "))
    low, high = found_ranks
    first = math.floor((low - 1) * number / effective)
    last = min(math.ceil(high * number / effective), number) - 1
    ends = min(float(data[first]), value), max(float(data[last]), value)
    return base.result(value, f"order statistics (effective, {effective})", ends)


def _too_few(number: int, share: float, level: float, what: str = "") -> str:
    need = fewest(share, level)
    return f"none (only {number} {what}values, and p{100 * share:g} needs {need})"
