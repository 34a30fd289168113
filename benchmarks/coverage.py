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

from lsm_eval.statistics.corrected import Proportion, Quality, corrected_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import FloatArray, estimate
from lsm_eval.statistics.kappa import kappa_estimate

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
    further = [row for made in (_kappas, _corrected) for row in made(options.draws, options.seed)]
    for name, truth, held, below, above, width, none in further:
        mark = "" if math.isnan(held) else "<" if held < 0.935 else ">" if held > 0.98 else ""
        cells, low, high = cells + 1, low + (mark == "<"), high + (mark == ">")
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


Row = tuple[str, float, float, float, float, float, int]
"""Name, truth, shares held, below and above, mean width, and how often there was no interval."""


def _kappas(draws: int, seed: int) -> Iterator[Row]:
    """Two raters with the same share of yes, through `statistics.kappa`."""
    for n in (10, 30, 100):
        for yes in (0.5, 0.2):
            for kappa in (0.0, 0.3, 0.6, 0.9, 1.0):
                rng = np.random.default_rng([seed, n, round(100 * yes), round(100 * kappa)])
                apart = 2 * yes * (1 - yes) * (1 - kappa) / 2
                shares = [yes - apart, apart, apart, 1 - yes - apart]
                found = [
                    kappa_estimate(np.repeat(np.eye(4), counts, axis=0), [None] * n)
                    for counts in rng.multinomial(n, shares, min(draws, 300))
                ]
                yield f"kappa, n {n}, yes {yes}", kappa, *_counted(found, kappa)


def _corrected(draws: int, seed: int) -> Iterator[Row]:
    """Rates corrected by a card of several models, at a model that is none of them; logits of sensitivity and specificity differ by
    `spread`."""
    for models in (4, 5, 10):
        for spread in (0.0, 0.5, 1.0, 1.5):
            for rate in (0.05, 0.3, 0.8):
                rng = np.random.default_rng([seed, models, round(10 * spread), round(100 * rate)])
                found = [_one_corrected(rng, models, spread, rate) for _ in range(min(draws, 300))]
                yield f"corrected, {models} models, spread {spread}", rate, *_counted(found, rate)


def _one_corrected(rng: np.random.Generator, models: int, spread: float, rate: float) -> Estimate:
    finds = 1 / (1 + np.exp(-2.0 - spread * rng.standard_normal(models + 1)))
    leaves = 1 / (1 + np.exp(-2.8 - spread * rng.standard_normal(models + 1)))
    seen = [
        tuple(Proportion(int(right), 200) for right in rng.binomial(200, own[:-1])) for own in (finds, leaves)
    ]
    whole = [Proportion(sum(s.successes for s in own), 200 * models) for own in seen]
    found = rng.random(300) < rate * finds[-1] + (1 - rate) * (1 - leaves[-1])
    stats = np.column_stack([found, np.ones(300)]).astype(float)
    return corrected_estimate(stats, [None] * 300, Quality(whole[0], whole[1], seen[0], seen[1]), missing=0)


def _counted(found: Sequence[Estimate], truth: float) -> tuple[float, float, float, float, int]:
    ends = np.array([(one.low, one.high) for one in found if one.low is not None], float).reshape(-1, 2)
    if not len(ends):
        return math.nan, math.nan, math.nan, math.nan, len(found)
    below, above = float((ends[:, 1] < truth - 1e-12).mean()), float((ends[:, 0] > truth + 1e-12).mean())
    return 1 - below - above, below, above, float(np.ptp(ends, axis=1).mean()), len(found) - len(ends)


if __name__ == "__main__":
    sys.exit(main())
