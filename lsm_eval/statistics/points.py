"""Points spread evenly over the unit cube in place of random draws: deterministic, and with less noise."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NUMBER = 8192


@lru_cache(maxsize=1)
def cube_points() -> NDArray[np.float64]:
    """Points of the unit cube, [`NUMBER`, 3], read-only: a Kronecker sequence with powers of the root of x⁴ = x + 1. For each
    point (u, v, w) of the first half, the second has (1 - u, w, v)."""
    steps = 1.2207440846057596 ** -np.arange(1.0, 4.0)
    half = (0.5 + np.outer(np.arange(1, NUMBER // 2 + 1), steps)) % 1
    points = np.concatenate([half, np.column_stack([1 - half[:, 0], half[:, 2], half[:, 1]])])
    points.flags.writeable = False
    return points
