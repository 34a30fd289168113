"""Adjustment of p-values for multiple tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values [m]: if those that are at most α are rejected, the probability of any false rejection is at most α under any
    dependence (Holm, Scandinavian Journal of Statistics 6:65-70, 1979)."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values [m]: if those that are at most q are rejected, the false discovery rate is at most q for independent or positively
    dependent tests (Benjamini & Hochberg, Journal of the Royal Statistical Society B 57:289-300, 1995)."""
    values = np.asarray(p, float)
    number = len(values)
    order = np.argsort(values, kind="stable")[::-1]
    steps = np.minimum.accumulate(values[order] * number / np.arange(number, 0, -1))
    adjusted = np.empty(number)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
