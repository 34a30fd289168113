"""Cells of means of numbers that have no range, alone and in clusters: symmetric ones, and skewed ones above 0 and on both sides."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import coverage_candidates as candidates
import numpy as np
from coverage_cells import Cell, Drawn, FloatArray, Rng, drawn

from lsm_eval.statistics.bounded import robust_mean, t_quantile
from lsm_eval.statistics.intervals import estimate

Draw = Callable[[Rng, int], FloatArray]


@dataclass(frozen=True)
class Shape:
    """A distribution."""

    truth: float
    draw: Draw
    wide: str = ""
    """Why its intervals may be wider than need be."""
    limit: str = ""
    """Why nothing covers its means."""
    until: int = 30
    """Samples or clusters from which on something does."""


_TAILS = "one long tail drawn looks like skewness"
_ZERO = "positive numbers are taken to be skewed"
_RARE = "what makes the mean large is rarely drawn"
_FEW = "fewer than 30 clusters: the bar for one side is meant for as many"
SHAPES: dict[str, Shape] = {
    "normal": Shape(0.0, lambda rng, n: rng.standard_normal(n)),
    "exponential": Shape(1.0, lambda rng, n: rng.exponential(1.0, n), _ZERO),
    "lognormal": Shape(math.exp(0.5), lambda rng, n: rng.lognormal(0.0, 1.0, n)),
    "t(3)": Shape(0.0, lambda rng, n: rng.standard_t(3, n), _TAILS),
    "uniform, 0 to 1": Shape(0.5, lambda rng, n: rng.random(n), _ZERO),
    "normal, mean 2": Shape(2.0, lambda rng, n: 2 + rng.standard_normal(n), _ZERO),
    "gamma(0.5)": Shape(0.5, lambda rng, n: rng.gamma(0.5, 1.0, n), _ZERO),
    "weibull(0.7)": Shape(math.gamma(1 + 1 / 0.7), lambda rng, n: rng.weibull(0.7, n), _ZERO),
    "lognormal(0.5)": Shape(math.exp(0.125), lambda rng, n: rng.lognormal(0.0, 0.5, n), _ZERO),
    "exponential less 1": Shape(0.0, lambda rng, n: rng.exponential(1.0, n) - 1, _TAILS),
    "half zeros": Shape(0.5, lambda rng, n: rng.exponential(1.0, n) * (rng.random(n) < 0.5), _ZERO),
    "nine in ten zeros": Shape(
        0.1, lambda rng, n: rng.exponential(1.0, n) * (rng.random(n) < 0.1), "few numbers above 0", _RARE, 50
    ),
    "two kinds": Shape(0.5, lambda rng, n: rng.standard_normal(n) + 5 * (rng.random(n) < 0.1), _TAILS, _RARE),
    "lognormal(1.5)": Shape(math.exp(1.125), lambda rng, n: rng.lognormal(0.0, 1.5, n), "", _RARE, 200),
}
SIZES = ((5, 1), (10, 1), (20, 1), (30, 1), (100, 1), (1000, 1), (10, 10), (30, 10), (100, 10))
"""Clusters and the samples in each."""


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
    for name, shape in SHAPES.items():
        for count, size in SIZES:
            yield _cell(name, shape, f"n {count}" if size == 1 else f"{count} clusters", [size] * count)
    for name in ("normal", "exponential", "lognormal"):
        for count in (20, 40):
            sizes = np.geomspace(2, 20, count).round().astype(int).tolist()
            yield _cell(name, SHAPES[name], f"{count} unequal clusters", sizes)


def _cell(name: str, shape: Shape, what: str, sizes: list[int]) -> Cell:
    limit = (shape.limit if len(sizes) < shape.until else "") or (_FEW if len(sizes) < 30 else "")
    draw = _mean(shape.draw, sizes)
    return Cell("other mean", f"{name}, {what}", shape.truth, sum(sizes), draw, wide=shape.wide, limit=limit)


def _mean(draw: Draw, sizes: list[int]) -> Callable[[Rng], Drawn]:
    single = max(sizes) == 1
    clusters = [None if single else str(i) for i, size in enumerate(sizes) for _ in range(size)]
    starts = np.cumsum([0, *sizes[:-1]])

    def made(rng: Rng) -> Drawn:
        values = draw(rng, len(sizes)).repeat(sizes)
        # In clusters all samples have the cluster's value, and half as much noise.
        values = values + (0.0 if single else 0.5 * rng.standard_normal(len(values)))
        stats = np.column_stack([values, np.ones(len(values))])
        found = estimate(Mean(), stats, clusters, missing=0, ties=0, seed=0)
        if found.low is None:
            return drawn(found)
        sums = np.add.reduceat(stats, starts)
        robust = robust_mean(sums)
        half = t_quantile(robust.freedom, 0.95) * robust.stderr
        rivals = {
            "t, CR2": (robust.mean - half, robust.mean + half),
            "Hall's cubic": candidates.cubic(sums),
            "bootstrap": candidates.bootstrap(Mean().aggregate, sums),
        }
        return drawn(found, rivals)

    return made
