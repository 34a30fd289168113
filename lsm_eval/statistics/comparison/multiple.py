"""Several p-values at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values [m]: reject those that are at most α, and the chance of any false rejection is at most α, whatever hangs
    together (Holm, Scandinavian Journal of Statistics 6:65-70, 1979)."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values [m]: of those that are at most q, a share q is false on average, for tests that are independent or hang
    together positively (Benjamini & Hochberg, Journal of the Royal Statistical Society B 57:289-300, 1995)."""
    values = np.asarray(p, float)
    number = len(values)
    order = np.argsort(values, kind="stable")[::-1]
    steps = np.minimum.accumulate(values[order] * number / np.arange(number, 0, -1))
    adjusted = np.empty(number)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
