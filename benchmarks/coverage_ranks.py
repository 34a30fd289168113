"""How often do the rank intervals of all models hold at once, and how long are they?

    python benchmarks/coverage_ranks.py [--draws N] [--seed N] [--cell WORD]

Each cell draws the scores of models on samples that they share, with known true means, and counts how often every model's interval of
95 % holds its rank (where models are truly equal: all the ranks that they share), which is as often as no pair is put in the wrong order. Beside
ours stand Holm's procedure on the same p-values, the largest studentised difference alone (no steps, normal multipliers, Student's t), and
all pairs at 5 % each, which is what many boards do. Width is high - low over models - 1, averaged. Under 94 % a cell is marked `<`; twice the
simulation's own error is 0.7 points with 4,000 draws.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.multiple import holm
from lsm_eval.statistics.ranking.apart import Apart, apart
from lsm_eval.statistics.ranking.level import Chance, chance, p_values
from lsm_eval.statistics.ranking.ranks import ranked
from lsm_eval.statistics.ranking.tasks import Tasks

LEVEL = 0.95
BAR = 0.94
DRAWS = 1000
"""Of multipliers, fewer than a board has, which makes levels noisier."""
METHODS = ("ours", "Holm", "largest", "each at 5 %")

Rng = np.random.Generator
Board = tuple[FloatArray, NDArray[np.intp] | None, FloatArray | None]
"""Values [models, samples], clusters and weights."""
Boards = Board | list[Board]
"""Of one task, or of several whose mean is ranked."""


@dataclass(frozen=True)
class Cell:
    """One way to draw a board."""

    name: str
    truth: FloatArray
    """The models' true means [m], equal where they are."""
    draw: Callable[[Rng], Boards]
    refused: bool = False
    """Whether no pair should be told apart."""


def cells() -> Iterator[Cell]:
    """All of them."""
    for m in (2, 5, 20):
        for n in (20, 50, 200, 1000):
            yield _shares(f"{m} equal models, {n} samples of 0 or 1", np.full(m, 0.6), n)
    spaced = np.array([0.4 + 0.4 * at / 9 for at in range(10)])
    for n in (50, 200, 1000):
        yield _shares(f"10 spaced models, {n} samples", spaced, n)
        yield _shares(f"5 pairs of equal models, {n} samples", np.repeat([0.2, 0.4, 0.6, 0.8, 0.95], 2), n)
    yield _shares("50 equal models, 200 samples", np.full(50, 0.5), 200)
    yield _shares(
        "50 models in 5 groups far apart, 1000 samples", np.repeat([0.1, 0.3, 0.5, 0.7, 0.9], 10), 1000
    )
    nearly = np.array([0.5 + 0.0005 * at for at in range(20)])
    yield _shares("20 models nearly equal, 500 samples", nearly, 500)
    for share in (0.01, 0.05, 0.98):
        for n in (100, 500):
            yield _shares(f"10 equal models at {share:g}, {n} samples", np.full(10, share), n)
    for alike in (0.9, 0.98, 0.995):
        yield _quantised(
            f"10 equal models that answer alike but for {1 - alike:.1%}, 500 samples", alike, 10, 500
        )
    yield _shares("10 equal models, 300 samples, a fifth missing", np.full(10, 0.6), 300, missing=0.2)
    yield _shares("10 equal models, 60 samples, half missing", np.full(10, 0.6), 60, missing=0.5)
    for growth in (1.0, 10.0):
        for count in (10, 20, 50, 200):
            kind = "equal" if growth == 1 else "unequal"
            yield _clusters(
                f"8 equal models, {count} {kind} clusters of 8", np.full(8, 0.6), count, 8, growth
            )
    yield _clusters(
        "8 equal models, 50 unequal clusters, a tenth missing", np.full(8, 0.6), 50, 8, 10.0, missing=0.1
    )
    yield _clusters("8 equal models, 4 clusters", np.full(8, 0.6), 4, 8, 1.0, refused=True)
    for n in (50, 300):
        yield _weighted(f"8 equal models, {n} samples of unequal weight", np.full(8, 0.6), n)
    yield _weighted(
        "8 equal models, 300 samples of unequal weight, a tenth missing", np.full(8, 0.6), 300, missing=0.1
    )
    for kind in ("normal", "exponential", "lognormal", "t3", "half zero"):
        for n in (20, 100, 1000):
            yield _means(f"8 equal models, {n} {kind} values", kind, 8, n)
    yield _means("30 equal models, 100 exponential values", "exponential", 30, 100)
    for tasks in ((100, 100), (20, 50, 1000), (30,) * 10):
        yield _tasks(
            f"8 equal models, mean over tasks of {', '.join(map(str, tasks[:3]))}{' …' if len(tasks) > 3 else ''} samples",
            tasks,
        )
    for n in (20, 100):
        yield _levels(f"8 equal models, {n} values of 0, .25, .5, .75 or 1", 8, n)


def _shares(name: str, truth: FloatArray, number: int, missing: float = 0.0) -> Cell:
    """0 or 1 of samples of which some are harder for all."""

    def draw(rng: Rng) -> Board:
        made = _answers(rng, truth, rng.normal(size=number))
        return _without(made, missing, rng), None, None

    return Cell(name, truth, draw)


def _answers(rng: Rng, truth: FloatArray, hard: FloatArray) -> FloatArray:
    """Latent normal, half of the variance shared by all models."""
    latent = (hard + rng.normal(size=(len(truth), len(hard)))) / np.sqrt(2)
    return np.asarray(latent < special.ndtri(truth)[:, None], float)


def _without(values: FloatArray, missing: float, rng: Rng) -> FloatArray:
    return np.where(rng.random(values.shape) < missing, np.nan, values) if missing else values


def _quantised(name: str, alike: float, models: int, number: int) -> Cell:
    """Variants of one model: each answers as it does but on a few samples, where it answers by itself."""

    def draw(rng: Rng) -> Board:
        base = (rng.random(number) < 0.6).astype(float)
        own = (rng.random((models, number)) < 0.6).astype(float)
        return np.where(rng.random((models, number)) < alike, base, own), None, None

    return Cell(name, np.full(models, 0.6), draw)


def _clusters(
    name: str,
    truth: FloatArray,
    count: int,
    size: int,
    growth: float,
    *,
    missing: float = 0.0,
    refused: bool = False,
) -> Cell:
    """A model's answers in one cluster hang together, beside what is hard for all."""
    grown = np.exp(np.linspace(0, np.log(growth), count))
    groups = np.repeat(np.arange(count), np.maximum(1, np.round(grown / grown.mean() * size)).astype(int))

    def draw(rng: Rng) -> Board:
        m, n = len(truth), len(groups)
        latent = (
            rng.normal(size=n) + rng.normal(size=(m, count))[:, groups] + rng.normal(size=(m, n))
        ) / np.sqrt(3)
        made = (latent < special.ndtri(truth)[:, None]).astype(float)
        return _without(made, missing, rng), groups, None

    return Cell(name, truth, draw, refused)


def _weighted(name: str, truth: FloatArray, number: int, missing: float = 0.0) -> Cell:
    weights = np.exp(np.linspace(0, np.log(20), number))

    def draw(rng: Rng) -> Board:
        made = _answers(rng, truth, rng.normal(size=number))
        return _without(made, missing, rng), None, weights

    return Cell(name, truth, draw)


def _means(name: str, kind: str, models: int, number: int) -> Cell:
    def draw(rng: Rng) -> Board:
        size = (models, number)
        own = {
            "normal": lambda: rng.normal(size=size),
            "exponential": lambda: rng.exponential(size=size),
            "lognormal": lambda: rng.lognormal(size=size),
            "t3": lambda: rng.standard_t(3, size=size),
            "half zero": lambda: rng.exponential(size=size) * (rng.random(size) < 0.5),
        }[kind]()
        return own + rng.normal(size=number), None, None

    return Cell(name, np.zeros(models), draw)


def _levels(name: str, models: int, number: int) -> Cell:
    def draw(rng: Rng) -> Board:
        return rng.binomial(4, rng.beta(1, 1, number), size=(models, number)) / 4, None, None

    return Cell(name, np.full(models, 0.5), draw)


def _tasks(name: str, numbers: Sequence[int]) -> Cell:
    """Models that are equal on average, but not in each task: what one gains in a task it loses in another."""
    models = 8
    turns = np.linspace(-0.1, 0.1, models)

    def draw(rng: Rng) -> Boards:
        made: list[Board] = []
        for at, number in enumerate(numbers):
            last = at == len(numbers) - 1 and len(numbers) % 2
            shares = 0.6 + (0.0 if last else 1.0 if at % 2 else -1.0) * turns
            made.append((_answers(rng, shares, rng.normal(size=number)), None, None))
        return made

    return Cell(name, np.full(models, 0.6), draw)


def _found(values: Boards, rng: Rng) -> tuple[Apart, Chance]:
    if not isinstance(values, list):
        one = apart(*values)
        return one, chance(one.residuals, int(rng.integers(1 << 30)), DRAWS)
    whole = Tasks(len(values[0][0]), len(values))
    for board in values:
        one = apart(*board)
        alone = chance(one.residuals, int(rng.integers(1 << 30)), DRAWS)
        whole.add(one, alone, np.arange(one.models))
    found, drawn, _ = whole.mean()
    assert drawn is not None
    return found, drawn


def tried(values: Boards, rng: Rng) -> dict[str, NDArray[np.bool_]]:
    """By method, whether the row is shown to be better than the column [m, m]."""
    found, alone = _found(values, rng)
    ours = ranked(found, alone, higher_is_better=True).better
    p = p_values(found)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(found.variance > 0, np.abs(found.value) / np.sqrt(found.variance), 0.0)
    largest = alone.largest(np.arange(len(p)))
    critical = -special.stdtrit(found.freedom, special.ndtr(-np.quantile(largest, LEVEL)))
    return {
        "ours": ours,
        "Holm": _square(found, holm(p) <= 1 - LEVEL),
        "largest": _square(found, found.fit & (t > critical)),
        "each at 5 %": _square(found, p <= 1 - LEVEL),
    }


def _square(found: Apart, told: NDArray[np.bool_]) -> NDArray[np.bool_]:
    better = np.zeros((found.models, found.models), bool)
    first, second = np.triu_indices(found.models, 1)
    better[first, second] = told & (found.value > 0)
    better[second, first] = told & (found.value < 0)
    return better


def simulated(cell: Cell, draws: int, seed: int) -> dict[str, tuple[float, float]]:
    """By method: how often all intervals hold, and their width."""
    rng = np.random.default_rng(seed)
    wrong = cell.truth[:, None] <= cell.truth
    m = len(cell.truth)
    held = dict.fromkeys(METHODS, 0)
    width = dict.fromkeys(METHODS, 0.0)
    for _ in range(draws):
        for method, better in tried(cell.draw(rng), rng).items():
            held[method] += not (better & wrong).any()
            width[method] += (m - 1 - 2 * better.sum() / m) / (m - 1)
    return {method: (held[method] / draws, width[method] / draws) for method in METHODS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; 1 where a cell of ours is under the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cell", default="", help="only cells whose name has this in it")
    options = parser.parse_args(arguments)
    print(f"| cell | {' | '.join(f'{method}, width' for method in METHODS)} | |")
    print(f"| --- | {'---: | ' * len(METHODS)}--- |")
    low, start = 0, time.perf_counter()
    for place, cell in enumerate(cells()):
        if options.cell not in cell.name:
            continue
        found = simulated(cell, options.draws, options.seed + place)
        under = found["ours"][0] < BAR
        low += under
        shown = " | ".join(f"{100 * held:.1f} %, {wide:.3f}" for held, wide in found.values())
        print(f"| {cell.name} | {shown} | {'<' if under else ''} |", flush=True)
    print(f"\n{low} cells under {100 * BAR:g} %; {time.perf_counter() - start:.0f} s")
    return int(low > 0)


if __name__ == "__main__":
    sys.exit(main())
