"""Cells of means of numbers that have no range, alone and in clusters: normal ones, and skewed ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import coverage_candidates as candidates
import numpy as np
from coverage_cells import Cell, Drawn, FloatArray, Rng, drawn

from lsm_eval.statistics.bounded import robust_mean, t_quantile
from lsm_eval.statistics.intervals import estimate

Draw = Callable[[Rng, int], FloatArray]

SHAPES: dict[str, tuple[float, Draw]] = {
    "normal": (0.0, lambda rng, n: rng.standard_normal(n)),
    "exponential": (1.0, lambda rng, n: rng.exponential(1.0, n)),
    "lognormal": (math.exp(0.5), lambda rng, n: rng.lognormal(0.0, 1.0, n)),
}


class Mean:
    """A mean of any numbers."""

    unit = "nats"
    mean = True
    proportion = False

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to means [...]."""
        means: FloatArray = sums[..., 0] / sums[..., 1]
        return means


def cells() -> Iterator[Cell]:
    """All of them."""
    for shape, (truth, draw) in SHAPES.items():
        for count, size in ((5, 1), (10, 1), (30, 1), (100, 1), (1000, 1), (10, 10), (30, 10), (100, 10)):
            name = f"{shape}, n {count}" if size == 1 else f"{shape}, {count} clusters"
            yield Cell("other mean", name, truth, count * size, _mean(draw, count, size))


def _mean(draw: Draw, count: int, size: int) -> Callable[[Rng], Drawn]:
    clusters = [None if size == 1 else str(i // size) for i in range(count * size)]

    def made(rng: Rng) -> Drawn:
        values = draw(rng, count).repeat(size)
        # In clusters all samples have the cluster's value, and half as much noise.
        values = values + (0.5 * rng.standard_normal(len(values)) if size > 1 else 0.0)
        stats = np.column_stack([values, np.ones(len(values))])
        sums = stats.reshape(count, size, 2).sum(axis=1)
        robust = robust_mean(sums)
        half = t_quantile(robust.freedom, 0.95) * robust.stderr
        rivals = {
            "t, CR2": (robust.mean - half, robust.mean + half),
            "bootstrap": candidates.bootstrap(Mean().aggregate, sums),
        }
        return drawn(estimate(Mean(), stats, clusters, missing=0, ties=0, seed=0), rivals)

    return made
