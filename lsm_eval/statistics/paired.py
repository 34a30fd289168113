"""The correlation of two shares of the same samples, for the interval of their difference."""

from __future__ import annotations

import math

import numpy as np

from lsm_eval.statistics.bounded import FloatArray


def phi(first: FloatArray, second: FloatArray, weights: FloatArray | None = None) -> float:
    """The phi coefficient of two columns of 0 and 1 [n]; a positive one has Newcombe's continuity correction (Statistics in Medicine
    17:2635-2650, 1998, method 10): n / 2 is subtracted from the excess of equal over unequal pairs. 0 if a column is constant. Pairs of
    unequal weight [n] count as their effective number, (Σw)² / Σw²."""
    each = np.ones(len(first)) if weights is None else weights * weights.sum() / np.square(weights).sum()
    number = float(each.sum())
    both, only, other = (
        float((each * x).sum()) for x in (first * second, first * (1 - second), (1 - first) * second)
    )
    neither = max(0.0, number - both - only - other)
    size = math.sqrt((both + only) * (other + neither) * (both + other) * (only + neither))
    if size <= 0:
        return 0.0
    excess = both * neither - only * other
    return (max(excess - number / 2, 0.0) if excess > 0 else excess) / size
