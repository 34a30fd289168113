"""How often do intervals of correlations, changes, recalls and areas under risk-coverage curves hold the truth?

    python benchmarks/coverage_other.py [--draws N] [--seed N] [--only WORD]

As `coverage.py`, for Pearson's correlation, the area under the risk-coverage curve and its excess, recall at a budget of errors,
agreement within sets, changes between two wordings, what a system message protects, and calibration errors of a model that is
always right. The truth is known, or that of 400,000 samples.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lsm_eval.benchmarks.bias.wino.agreement import of_sets
from lsm_eval.robustness.change import change_estimate
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.correlation import correlation_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined
from lsm_eval.statistics.recall import recall_estimate
from lsm_eval.statistics.risk_coverage import risk_coverage, risk_coverage_estimate

Rng = np.random.Generator
_MANY = 400_000
_DIFFERENCE = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))


@dataclass(frozen=True)
class Cell:
    """A number with a known truth."""

    name: str
    truth: float
    draw: Callable[[Rng], Estimate]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_other.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--only", default="", metavar="WORD", help="cells whose name has this in it")
    options = parser.parse_args(arguments)
    print("| number | truth | mean | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    low = high = count = 0
    for number, cell in enumerate(cells()):
        if options.only not in cell.name:
            continue
        held, row = tried(cell, options.draws, np.random.default_rng([options.seed, number]))
        count, low, high = count + 1, low + (held < 0.935), high + (held > 0.98)
        print(row, flush=True)
    print(f"{count} cells of {options.draws} draws: {low} under 93.5 %, {high} above 98 %")
    return 0


def tried(cell: Cell, draws: int, rng: Rng) -> tuple[float, str]:
    """How often a cell's intervals hold its truth, 0 to 1 (NaN where there are none), and its row."""
    found = [cell.draw(rng) for _ in range(draws)]
    made = [(e.value, e.low, e.high) for e in found if e.low is not None and e.high is not None]
    if not made:
        return math.nan, f"| {cell.name} | {cell.truth:.3f} | | | | | | {draws} | |"
    values, lows, highs = np.array(made, float).T
    below, above = float((highs < cell.truth - 1e-12).mean()), float((lows > cell.truth + 1e-12).mean())
    held = 1 - below - above
    mark = "<" if held < 0.935 else ">" if held > 0.98 else ""
    return held, (
        f"| {cell.name} | {cell.truth:.3f} | {values.mean():.3f} | {100 * held:.1f} % | {100 * below:.1f} | {100 * above:.1f} "
        f"| {(highs - lows).mean():.3f} | {draws - len(made)} | {mark} |"
    )


def cells() -> Iterator[Cell]:
    """All of them."""
    for made in (_correlations, _areas, _recalls, _agreements, _changes, _protections):
        yield from made()


Points = Callable[[Rng, int], tuple[FloatArray, FloatArray]]


def _correlations() -> Iterator[Cell]:
    """Points from a normal distribution, heavy tails (t with 5 degrees of freedom), skewed ones, and evenly spread x."""
    for kind in ("normal", "heavy", "skewed", "even"):
        for rho in (0.0, 0.5, 0.9):
            points = _points(kind, rho)
            truth = float(np.corrcoef(*points(np.random.default_rng(1), _MANY))[0, 1])
            for n in (5, 7, 10, 30, 100):

                def draw(rng: Rng, points: Points = points, n: int = n) -> Estimate:
                    return correlation_estimate(*points(rng, n), [None] * n, missing=0)

                yield Cell(f"correlation, {kind}, n {n}", truth, draw)
    for count in (7, 20):
        for rho in (0.0, 0.6):

            def clustered(rng: Rng, count: int = count, rho: float = rho) -> Estimate:
                # Half of the spread is the cluster's.
                names = [str(i) for i in range(count) for _ in range(12)]
                parts = [_points("normal", rho)(rng, n) for n in (count, 12 * count)]
                x, y = (np.repeat(parts[0][i], 12) + parts[1][i] for i in (0, 1))
                return correlation_estimate(x, y, names, missing=0)

            yield Cell(f"correlation, {count} clusters of 12", rho, clustered)


def _points(kind: str, rho: float) -> Points:
    def draw(rng: Rng, n: int) -> tuple[FloatArray, FloatArray]:
        x = rng.uniform(-1, 1, n) * math.sqrt(3) if kind == "even" else rng.standard_normal(n)
        y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal(n)
        if kind == "heavy":
            stretch = np.sqrt(5 / rng.chisquare(5, n))
            return x * stretch, y * stretch
        return (np.exp(0.7 * x), np.exp(0.7 * y)) if kind == "skewed" else (x, y)

    return draw


def _areas() -> Iterator[Cell]:
    """A confidence that says nothing, one that tells, one that tells all, and one that is upside down; clusters that share both."""
    for kind in ("random", "telling", "perfect", "inverse"):
        for rate in (0.02, 0.1, 0.3, 0.6):
            whole = _answers(kind, rate)(np.random.default_rng(2), _MANY)
            for excess in (False, True):
                truth = risk_coverage(*whole, excess=excess)
                for n in (5, 10, 30, 100, 500):

                    def draw(
                        rng: Rng, kind: str = kind, rate: float = rate, n: int = n, excess: bool = excess
                    ) -> Estimate:
                        answers = _answers(kind, rate)(rng, n)
                        return risk_coverage_estimate(*answers, [None] * n, missing=0, excess=excess)

                    yield Cell(f"{'e-' * excess}aurc, {kind}, {rate} wrong, n {n}", truth, draw)
    for count in (10, 30):
        for kind in ("random", "telling"):
            whole = _answers(kind, 0.3)(np.random.default_rng(2), _MANY)

            def clustered(rng: Rng, kind: str = kind, count: int = count) -> Estimate:
                # In half of the clusters all five answers are one.
                confidence, wrong = _answers(kind, 0.3)(rng, 5 * count)
                same = np.arange(5 * count) // 5 * 5
                at = np.where(rng.random(count).repeat(5) < 0.5, same, np.arange(5 * count))
                names = [str(i // 5) for i in range(5 * count)]
                return risk_coverage_estimate(confidence[at], wrong[at], names, missing=0)

            yield Cell(f"aurc, {kind}, 0.3 wrong, {count} clusters of 5", risk_coverage(*whole), clustered)


def _answers(kind: str, rate: float) -> Points:
    def draw(rng: Rng, n: int) -> tuple[FloatArray, FloatArray]:
        confidence = rng.random(n)
        chance = {
            "random": np.full(n, rate),
            "telling": np.minimum(1, 4 * rate * (1 - confidence) ** 3),
            "perfect": (confidence < rate).astype(float),
            "inverse": np.minimum(1, 4 * rate * confidence**3),
        }[kind]
        return confidence, (rng.random(n) < chance).astype(float)

    return draw


def _recalls() -> Iterator[Cell]:
    """Confidences (normal) that say nothing, tell, and tell nearly all; a tenth of all may be wrong."""
    for share in (0.05, 0.3, 0.8):
        for apart in (0.0, 1.0, 3.0):
            for n in (20, 100, 1000):
                for size in (1, 5):
                    if n == 20 and size > 1:
                        continue
                    yield Cell(
                        f"recall, {share} right, {apart:g} apart, n {n}, clusters of {size}",
                        _recall(share, apart),
                        _guesses(share, apart, n, size),
                    )


def _recall(share: float, apart: float) -> float:
    from scipy.optimize import brentq
    from scipy.stats import norm

    if 1 - share <= 0.1:
        return share
    threshold = brentq(lambda at: (1 - share) * norm.sf(at) - 0.1, -9, 9)
    return float(share * norm.sf(threshold - apart))


def _guesses(share: float, apart: float, n: int, size: int) -> Callable[[Rng], Estimate]:
    def draw(rng: Rng) -> Estimate:
        # Samples of a cluster share half of their luck.
        luck = math.sqrt(0.5) * (rng.standard_normal(n // size).repeat(size) + rng.standard_normal(n))
        right = (rng.random(n // size).repeat(size) < share).astype(float) if size > 1 else None
        right = (rng.random(n) < share).astype(float) if right is None else right
        clusters = [None if size == 1 else str(i // size) for i in range(n)]
        return recall_estimate(luck + apart * right, right, 0.1, clusters, missing=0)

    return draw


def _agreements() -> Iterator[Cell]:
    """Sets of three, each member with one of two choices; sets in clusters of four, half of whose luck is the cluster's."""
    for alike in (0.3, 0.9, 0.99):
        for count in (20, 60, 240):
            for size in (1, 4):

                def draw(rng: Rng, alike: float = alike, count: int = count, size: int = size) -> Estimate:
                    shared = rng.random(count // size).repeat(size)
                    luck = np.where(rng.random(count) < 0.5, shared, rng.random(count))
                    same = (luck < alike).astype(float)
                    clusters = [None if size == 1 else str(i // size) for i in range(count)]
                    made: Estimate = of_sets(same, clusters, answered=3 * count, missing=0)
                    return made

                yield Cell(f"agreement, {count} sets, clusters of {size}", alike, draw)


def _changes() -> Iterator[Cell]:
    """Of 0 and 1 (right ones lost, wrong ones gained), and of values between that move a little."""
    for rate, lost, gained in (
        (0.5, 0.02, 0.0),
        (0.5, 0.1, 0.1),
        (0.5, 0.3, 0.05),
        (0.9, 0.05, 0.5),
        (0.95, 0.02, 0.02),
        (0.9, 0.9, 0.1),
    ):
        for n in (5, 10, 30, 100, 400):

            def draw(
                rng: Rng, rate: float = rate, lost: float = lost, gained: float = gained, n: int = n
            ) -> Estimate:
                before = rng.random(n) < rate
                after = np.where(before, rng.random(n) >= lost, rng.random(n) < gained)
                moved = after.astype(float) - before
                return change_estimate(moved, [None] * n, span=(0.0, 1.0), missing=0)

            yield Cell(
                f"change, {rate}, {lost} lost, {gained} gained, n {n}",
                (1 - rate) * gained - rate * lost,
                draw,
            )
    for n in (10, 30, 200):

        def between(rng: Rng, n: int = n) -> Estimate:
            return change_estimate(
                rng.beta(2, 5, n) - rng.beta(2, 5, n), [None] * n, span=(0.0, 1.0), missing=0
            )

        yield Cell(f"change, values between, n {n}", 0.0, between)
    for count in (10, 30):

        def clustered(rng: Rng, count: int = count) -> Estimate:
            # What happens to one sample of a cluster happens, in half of them, to all five.
            own = rng.choice([-1.0, 0.0, 1.0], (count, 5), p=[0.15, 0.75, 0.1])
            same = np.where(rng.random((count, 1)) < 0.5, own[:, :1], own).ravel()
            return change_estimate(same, [str(i // 5) for i in range(5 * count)], span=(0.0, 1.0), missing=0)

        yield Cell(f"change, {count} clusters of 5", -0.05, clustered)


def _protections() -> Iterator[Cell]:
    """People in both conditions, 14 times each; some leak more."""
    for count in (10, 50):
        for without, withal in ((0.0, 0.0), (0.3, 0.1), (0.05, 0.02), (0.9, 0.1)):

            def draw(
                rng: Rng, count: int = count, without: float = without, withal: float = withal
            ) -> Estimate:
                own = rng.beta(2, 2, count).repeat(14) * 2
                rows = np.zeros((28 * count, 4))
                rows[: 14 * count, 0], rows[: 14 * count, 1] = (
                    rng.random(14 * count) < np.minimum(1, without * own),
                    1,
                )
                rows[14 * count :, 2], rows[14 * count :, 3] = (
                    rng.random(14 * count) < np.minimum(1, withal * own),
                    1,
                )
                names = [str(i // 14) for i in range(14 * count)] * 2
                return combined(_DIFFERENCE, rows, names, missing=0, ties=0, seed=0)

            grid = np.random.default_rng(3).beta(2, 2, _MANY) * 2
            truth = float(np.minimum(1, without * grid).mean() - np.minimum(1, withal * grid).mean())
            yield Cell(f"protection, {count} people, {without} and {withal}", truth, draw)


if __name__ == "__main__":
    sys.exit(main())
