"""How often do intervals of AUROCs, of what they gain, and of true positives at few false ones hold the truth?

    python benchmarks/coverage_ranked.py [--draws N] [--seed N]

Scores are normal; those of positives lie higher by what the true value asks for. Prints a row a cell, as `coverage.py` does
(which runs this, too), with the mean of the values found: an estimate is biased where that is not the truth.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lsm_eval.metrics.safety.injection import InjectionEffect
from lsm_eval.statistics.auroc_gain import auroc_gain
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.tpr import tpr_estimate

NORMAL = NormalDist()


@dataclass(frozen=True)
class Cell:
    """What is estimated of what."""

    name: str
    truth: float
    draw: Callable[[np.random.Generator], Estimate]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_ranked.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    report(options.draws, options.seed)
    return 0


def report(draws: int, seed: int) -> None:
    """Prints the table."""
    print("| ranked | truth | mean | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    low = high = cells = 0
    for cell in [*_areas(), *_clustered_areas(), *_gains(), *_rates(), *_effects()]:
        rng = np.random.default_rng([seed, cells])
        cells += 1
        found = [cell.draw(rng) for _ in range(draws)]
        made = [(e.low, e.high) for e in found if e.low is not None and e.high is not None]
        values = [e.value for e in found if e.value is not None]
        ends = np.array(made).reshape(-1, 2)
        below, above = float((ends[:, 1] < cell.truth).mean()), float((ends[:, 0] > cell.truth).mean())
        held = 1 - below - above
        mark = "<" if held < 0.935 else ">" if held > 0.98 else ""
        low, high = low + (mark == "<"), high + (mark == ">")
        print(
            f"| {cell.name} | {cell.truth:.3f} | {np.mean(values):.3f} | {100 * held:.1f} % | {100 * below:.1f} "
            f"| {100 * above:.1f} | {(ends[:, 1] - ends[:, 0]).mean():.3f} | {draws - len(made)} | {mark} |",
            flush=True,
        )
    print(f"{cells} cells of {draws} draws: {low} under 93.5 %, {high} above 98 %")


def _areas() -> Iterator[Cell]:
    """AUROCs of samples that stand alone, positives spread as much as negatives, twice and half as much."""
    for positives, negatives in (
        (5, 5),
        (10, 10),
        (10, 100),
        (100, 10),
        (10, 500),
        (30, 30),
        (100, 100),
        (500, 500),
    ):
        for spread in (1.0, 2.0, 0.5):
            for area in (0.5, 0.7, 0.9, 0.95, 0.99):
                labels = _classes(positives, negatives)
                apart = NORMAL.inv_cdf(area) * math.hypot(1, spread)
                name = f"AUROC, {positives} + {negatives}, spread {spread:g}"
                yield Cell(name, area, _area(labels, apart, spread, [None] * len(labels)))


def _area(
    labels: FloatArray, apart: float, spread: float, clusters: Sequence[str | None]
) -> Callable[[np.random.Generator], Estimate]:
    return lambda rng: auroc_estimate(
        apart * labels + rng.normal(0, 1, len(labels)) * np.where(labels == 1, spread, 1.0),
        labels,
        clusters,
        missing=0,
    )


def _clustered_areas() -> Iterator[Cell]:
    """AUROCs in clusters of one class, of both classes, and of one pair each; `ICC` is that of two scores of one cluster."""
    for kind in ("pairs", "one class", "both classes"):
        for count in (10, 20, 50, 200):
            size = 2 if kind == "pairs" else 10
            growth = np.exp(np.linspace(0, math.log(1 if kind == "pairs" else 20), count))
            groups = np.repeat(
                np.arange(count), np.maximum(1, np.round(growth / growth.mean() * size)).astype(int)
            )
            labels = np.asarray((groups if kind == "one class" else np.arange(len(groups))) % 2, float)
            for correlation in (0.0, 0.3):
                for area in (0.5, 0.8, 0.95):
                    name = f"AUROC, {count} clusters of {kind}, ICC {correlation:g}"
                    yield Cell(name, area, _clustered_area(labels, groups, area, correlation))


def _clustered_area(
    labels: FloatArray, groups: NDArray[np.intp], area: float, correlation: float
) -> Callable[[np.random.Generator], Estimate]:
    names = [str(group) for group in groups]
    apart = NORMAL.inv_cdf(area) * math.sqrt(2)
    own, common = math.sqrt(1 - correlation), math.sqrt(correlation)

    def draw(rng: np.random.Generator) -> Estimate:
        shared = rng.normal(0, common, int(groups.max()) + 1)[groups]
        return auroc_estimate(
            apart * labels + shared + rng.normal(0, own, len(labels)), labels, names, missing=0
        )

    return draw


def _gains() -> Iterator[Cell]:
    """AUROC less a baseline's, or less one half: below, at and above that."""
    for number in (20, 50, 200):
        labels = _classes(number, number)
        for first, second in ((0.5, 0.4), (0.75, 0.5), (0.75, 0.7), (0.95, 0.8)):
            yield Cell(
                f"gain, {number} + {number}, {first:g} over {second:g}",
                first - max(second, 0.5),
                _gain(labels, first, second),
            )


def _gain(labels: FloatArray, first: float, second: float) -> Callable[[np.random.Generator], Estimate]:
    shifts = [NORMAL.inv_cdf(area) * math.sqrt(2) for area in (first, second)]

    def draw(rng: np.random.Generator) -> Estimate:
        common = rng.normal(0, math.sqrt(0.5), len(labels))
        one, two = (shift * labels + common + rng.normal(0, math.sqrt(0.5), len(labels)) for shift in shifts)
        return auroc_gain(one, two, labels, [None] * len(labels), missing=0)

    return draw


def _rates() -> Iterator[Cell]:
    """True-positive rates; the interval of a quantile by its order statistics makes them conservative."""
    for fpr, positives, negatives in (
        (0.01, 100, 100),
        (0.01, 100, 500),
        (0.01, 500, 1000),
        (0.05, 100, 100),
        (0.1, 30, 50),
    ):
        labels = _classes(positives, negatives)
        for apart in (0.3, 1.0, 2.0, 3.0):
            truth = 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - fpr) - apart)
            yield Cell(f"TPR at {fpr:g}, {positives} + {negatives}", truth, _rate(labels, apart, fpr))


def _rate(labels: FloatArray, apart: float, fpr: float) -> Callable[[np.random.Generator], Estimate]:
    return lambda rng: tpr_estimate(
        apart * labels + rng.normal(0, 1, len(labels)), labels, fpr, [None] * len(labels), missing=0
    )


def _effects() -> Iterator[Cell]:
    """Differences of two shares of the same samples: found in both answers, in the first alone, in the second alone."""
    for number in (30, 100, 400):
        for both, only, other in (
            (0.0, 0.02, 0.02),
            (0.0, 0.3, 0.0),
            (0.2, 0.1, 0.05),
            (0.4, 0.05, 0.05),
            (0.1, 0.6, 0.05),
        ):
            yield Cell(
                f"paired difference, n {number}, {both:g} in both",
                only - other,
                _effect(number, both, only, other),
            )


def _effect(number: int, both: float, only: float, other: float) -> Callable[[np.random.Generator], Estimate]:
    metric = InjectionEffect()

    def draw(rng: np.random.Generator) -> Estimate:
        kind = rng.choice(4, number, p=[both, only, other, 1 - both - only - other])
        rows = np.column_stack([kind < 2, (kind == 0) | (kind == 2), np.ones(number)]).astype(float)
        return metric.estimate(rows, [None] * number, missing=0, ties=0, seed=0)

    return draw


def _classes(positives: int, negatives: int) -> FloatArray:
    return np.repeat([1.0, 0.0], [positives, negatives])


if __name__ == "__main__":
    sys.exit(main())
