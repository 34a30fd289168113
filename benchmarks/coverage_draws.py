"""How often do intervals of pass@k, maj@k, means over draws and the parts of their variance hold the truth?

    python benchmarks/coverage_draws.py [--draws N] [--seed N]

Each question has a chance to be answered rightly that is drawn from a beta distribution; all its draws have that chance. Wrong
answers are one of two, for maj@k. Prints a row a cell, as `coverage.py` does. A draw without an interval is counted under `none`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lsm_eval.metrics.common import MeanMetric
from lsm_eval.statistics import components
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.majority import majority, pass_chance

POINTS = 20_000
"""Questions that a truth without a formula is the mean of."""


@dataclass(frozen=True)
class Cell:
    """What is estimated of how many questions."""

    name: str
    truth: float
    draw: Callable[[np.random.Generator], Estimate]


class _Mean(MeanMetric):
    default_name = "mean"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_draws.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    print("| draws | truth | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    low = high = cells = 0
    for cell in [*_chances(), *_components()]:
        rng = np.random.default_rng([options.seed, cells])
        cells += 1
        found = [cell.draw(rng) for _ in range(options.draws)]
        made = np.array([(e.low, e.high) for e in found if e.low is not None and e.high is not None])
        if len(made) < options.draws / 10:
            print(
                f"| {cell.name} | {cell.truth:.3f} | - | - | - | - | {options.draws - len(made)} | |",
                flush=True,
            )
            continue
        below, above = (
            float((made[:, 1] < cell.truth - 1e-9).mean()),
            float((made[:, 0] > cell.truth + 1e-9).mean()),
        )
        held = 1 - below - above
        mark = "<" if held < 0.935 else ">" if held > 0.98 else ""
        low, high = low + (mark == "<"), high + (mark == ">")
        print(
            f"| {cell.name} | {cell.truth:.3f} | {100 * held:.1f} % | {100 * below:.1f} | {100 * above:.1f} "
            f"| {(made[:, 1] - made[:, 0]).mean():.3f} | {options.draws - len(made)} | {mark} |",
            flush=True,
        )
    print(f"{cells} cells of {options.draws} draws: {low} under 93.5 %, {high} above 98 %")
    return 0


def _chances() -> Iterator[Cell]:
    """pass@k and maj@k of some questions with n draws, alone and in clusters of five."""
    for a, b in ((0.5, 0.5), (2.0, 2.0), (0.2, 1.8), (8.0, 2.0)):
        for number in (30, 100, 1000):
            for draws, size in ((8, 1), (8, 4), (8, 8)):
                for what in ("pass", "maj"):
                    for clustered in (False, True):
                        if clustered and (number == 30 or what == "maj"):
                            continue
                        name = f"{what}@{size} of {draws}, {number} questions, beta({a:g}, {b:g})"
                        of = _scorer(what, draws, size)
                        yield Cell(
                            f"{name}, clusters" if clustered else name,
                            _truth(of, a, b, draws),
                            _mean(of, a, b, number, draws, clustered=clustered),
                        )


Scorer = Callable[[FloatArray], FloatArray]


def _scorer(what: str, draws: int, size: int) -> Scorer:
    """The score of a question from how many of its draws are right, and give the first and the second wrong answer, [..., 3]."""
    table = np.zeros((draws + 1, draws + 1))
    for right in range(draws + 1):
        for wrong in range(draws + 1 - right):
            if what == "pass":
                table[right, wrong] = pass_chance(draws, right, size)
            else:
                counts = [right, wrong, draws - right - wrong]
                kept = [place for place in range(3) if counts[place]]
                table[right, wrong] = majority([counts[i] for i in kept], [i == 0 for i in kept], 0, size)
    return lambda counts: np.asarray(table[counts[..., 0].astype(int), counts[..., 1].astype(int)])


def _counts(rng: np.random.Generator, chance: FloatArray, draws: int) -> FloatArray:
    """How many draws are right, and give each wrong answer, [Q, 3]."""
    shares = np.column_stack([chance, 0.7 * (1 - chance), 0.3 * (1 - chance)])
    return np.asarray(rng.multinomial(draws, shares), float)


def _truth(of: Scorer, a: float, b: float, draws: int) -> float:
    rng = np.random.default_rng(99)
    return float(np.mean([of(_counts(rng, rng.beta(a, b, POINTS), draws)).mean() for _ in range(25)]))


def _mean(
    of: Scorer, a: float, b: float, number: int, draws: int, *, clustered: bool
) -> Callable[[np.random.Generator], Estimate]:
    clusters = [str(i // 5) if clustered else None for i in range(number)]

    def draw(rng: np.random.Generator) -> Estimate:
        chance = rng.beta(a, b, number)
        if clustered:
            chance = np.where(rng.random(number) < 0.5, np.repeat(chance[::5], 5), chance)
        values = of(_counts(rng, chance, draws))
        rows = np.column_stack([values, np.ones(number)])
        return estimate(_Mean(), rows, clusters, missing=0, ties=0, seed=0)

    return draw


def _components() -> Iterator[Cell]:
    """The parts of a mean's variance, from no spread between questions to nearly nothing else."""
    for a, b in ((0.5, 0.5), (2.0, 2.0), (8.0, 2.0), (0.2, 1.8), (50.0, 50.0), (math.inf, math.inf)):
        for number in (30, 100, 500):
            for draws in (2, 4, 8):
                mean = 0.5 if math.isinf(a) else a / (a + b)
                between = 0.0 if math.isinf(a) else a * b / ((a + b) ** 2 * (a + b + 1))
                within = mean * (1 - mean) - between
                truths = {
                    "between questions": between,
                    "between draws": within,
                    "share of draws": within / draws / (between + within / draws),
                }
                for what, truth in truths.items():
                    name = f"{what}, {number} questions, {draws} draws, beta({a:g}, {b:g})"
                    yield Cell(name, truth, _component(what, a, b, number, draws))


def _component(
    what: str, a: float, b: float, number: int, draws: int
) -> Callable[[np.random.Generator], Estimate]:
    how = {
        "between questions": components.between_questions,
        "between draws": components.between_draws,
        "share of draws": components.share_of_draws,
    }[what]

    def draw(rng: np.random.Generator) -> Estimate:
        chance = np.full(number, 0.5) if math.isinf(a) else rng.beta(a, b, number)
        mean = rng.binomial(draws, chance) / draws
        rows = np.column_stack([np.ones(number), mean, mean**2, mean * (1 - mean) * draws / (draws - 1)])
        return how(rows, draws, 1.0, [None] * number, missing=0)

    return draw


if __name__ == "__main__":
    sys.exit(main())
