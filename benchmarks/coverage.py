"""How often do intervals of means and proportions hold the truth?

    python benchmarks/coverage.py [--draws N] [--seed N]

Simulates samples of a known mean, alone and in clusters of several shapes, through the code that makes a run's intervals, and
prints for each cell how often the interval holds the mean (nominal: 95 %), how often it lies below and above it, and its mean
width. Cells under 93.5 % are marked `<`, those above 98 % `>`: wider than need be.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence

import coverage_ranked
import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.intervals import FloatArray, estimate

Draw = Callable[[np.random.Generator], FloatArray]


class Mean:
    """A mean of values from 0 to 1, or a proportion, as a metric is one."""

    unit = "fraction"
    mean = True

    def __init__(self, *, proportion: bool) -> None:
        self.proportion = proportion

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2] to means [...]."""
        means: FloatArray = sums[..., 0] / sums[..., 1]
        return means


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    print("| samples | mean | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    low = high = cells = 0
    for name, truth, clusters, draw in [*_alone(), *_clustered()]:
        rng = np.random.default_rng([options.seed, cells])
        held, below, above, width, none = _tried(draw, clusters, truth, options.draws, rng)
        cells += 1
        mark = "" if math.isnan(held) else "<" if held < 0.935 else ">" if held > 0.98 else ""
        low, high = low + (mark == "<"), high + (mark == ">")
        print(
            f"| {name} | {truth:.3f} | {100 * held:.1f} % | {100 * below:.1f} | {100 * above:.1f} | {width:.3f} "
            f"| {none} | {mark} |",
            flush=True,
        )
    print(f"{cells} cells of {options.draws} draws: {low} under 93.5 %, {high} above 98 %")
    coverage_ranked.report(options.draws, options.seed)
    return 0


def _tried(
    draw: Draw, clusters: Sequence[str | None], truth: float, draws: int, rng: np.random.Generator
) -> tuple[float, float, float, float, int]:
    """Share of intervals that hold the truth, that end below it, that begin above it; mean width; how many were none."""
    counts = np.zeros(3)
    width, none = 0.0, 0
    for _ in range(draws):
        values = draw(rng)
        stats = np.column_stack([values, np.ones(len(values))])
        metric = Mean(proportion=bool(np.isin(values, (0.0, 1.0)).all()))
        found = estimate(metric, stats, clusters, missing=0, ties=0, seed=0)
        if found.low is None or found.high is None:
            none += 1
            continue
        counts += (found.low <= truth <= found.high, found.high < truth, found.low > truth)
        width += found.high - found.low
    made = draws - none
    if not made:
        return math.nan, math.nan, math.nan, math.nan, none
    held, below, above = counts / made
    return float(held), float(below), float(above), width / made, none


Cell = tuple[str, float, Sequence[str | None], Draw]


def _alone() -> Iterator[Cell]:
    """Samples that stand alone: 0 or 1, and skewed values between."""
    for n in (5, 10, 30, 100, 1000):
        for p in (0.02, 0.1, 0.3, 0.5):
            yield f"0/1, n {n}", p, [None] * n, _coins(n, p)
        for a, b in ((0.3, 2.7), (0.1, 3.0), (0.05, 5.0), (2.0, 2.0), (0.5, 0.5)):
            yield f"beta({a}, {b}), n {n}", a / (a + b), [None] * n, _betas(n, a, b)


def _clustered() -> Iterator[Cell]:
    """Clusters of equal size, of sizes that grow fifty-fold, and with one that holds two fifths of all samples."""
    for shape in ("equal", "geometric", "one large"):
        for count in (5, 10, 20, 50, 200):
            sizes = _sizes(shape, count)
            groups = np.repeat(np.arange(count), sizes)
            names = [str(group) for group in groups]
            for correlation in (0.0, 0.1, 0.4):
                for p in (0.02, 0.1, 0.3, 0.5):
                    name = f"0/1, {count} clusters, {shape}, ICC {correlation}"
                    yield name, p, names, _beta_binomial(groups, p, correlation)


def _sizes(shape: str, count: int) -> NDArray[np.int64]:
    if shape == "equal":
        return np.full(count, 10)
    if shape == "geometric":
        growth = np.exp(np.linspace(0, math.log(50), count))
        sizes: NDArray[np.int64] = np.maximum(1, np.round(growth / growth.mean() * 10)).astype(np.int64)
        return sizes
    others = 10 * (count - 1)
    return np.array([round(others * 0.4 / 0.6), *[10] * (count - 1)])


def _coins(n: int, p: float) -> Draw:
    return lambda rng: (rng.random(n) < p).astype(float)


def _betas(n: int, a: float, b: float) -> Draw:
    return lambda rng: rng.beta(a, b, n)


def _beta_binomial(groups: NDArray[np.int64], p: float, correlation: float) -> Draw:
    """0 or 1, with a share of its own in each cluster: `correlation` is that of two samples of one."""

    def draw(rng: np.random.Generator) -> FloatArray:
        count = int(groups[-1]) + 1
        share = np.full(count, p)
        if correlation:
            odds = (1 - correlation) / correlation
            share = rng.beta(p * odds, (1 - p) * odds, count)
        return (rng.random(len(groups)) < share[groups]).astype(float)

    return draw


if __name__ == "__main__":
    sys.exit(main())
