"""How often do the intervals of calibration and of bias metrics hold the truth?

    python benchmarks/coverage_bias.py [--draws N] [--seed N]

As `coverage.py`, for expected calibration errors, StereoSet's ICAT, BBQ's scores, gaps between two groups (independent and
paired) and BOLD's spread; each through the metric that makes a run's estimate. `value` is the mean estimate.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lsm_eval.metrics.bias.bbq import BiasAmbiguous, BiasDisambiguated
from lsm_eval.metrics.bias.stereoset import IdealisedCat
from lsm_eval.metrics.calibration import ece
from lsm_eval.metrics.scoring import Interval
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined
from lsm_eval.statistics.spread import spread

FloatArray = NDArray[np.float64]
Rng = np.random.Generator
Cell = tuple[str, float, Callable[[Rng], tuple[float, float | None, float | None]]]
"""Name, truth, and what draws (value, low, high)."""

_DIFFERENCE = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_bias.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    print("| number | truth | value | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows(options.draws, options.seed):
        print(row, flush=True)
    return 0


def rows(draws: int, seed: int) -> Iterator[str]:
    """The table's rows, a cell each."""
    for number, (name, truth, draw) in enumerate(
        [*_calibration(), *_stereoset(), *_bbq(), *_gaps(), *_spreads()]
    ):
        rng = np.random.default_rng([seed, number])
        found = [draw(rng) for _ in range(draws)]
        made = np.array([(v, low, high) for v, low, high in found if low is not None], float).reshape(-1, 3)
        value, low, high = made.T
        held = 100 * float(((low <= truth) & (truth <= high)).mean())
        mark = "<" if held < 93.5 else ">" if held > 98 else ""
        yield (
            f"| {name} | {truth:.3f} | {value.mean():.3f} | {held:.1f} % | {100 * (high < truth).mean():.1f} "
            f"| {100 * (low > truth).mean():.1f} | {(high - low).mean():.3f} | {draws - len(made)} | {mark} |"
        )


def _ends(made: Estimate) -> tuple[float, float | None, float | None]:
    return np.nan if made.value is None else made.value, made.low, made.high


def _alone(metric: object, statistics: FloatArray, rng: Rng) -> tuple[float, float | None, float | None]:
    return _of(metric, statistics, [None] * len(statistics), rng)


def _of(
    metric: object, statistics: FloatArray, clusters: Sequence[str | None], rng: Rng
) -> tuple[float, float | None, float | None]:
    assert isinstance(metric, Interval)
    seed = int(rng.integers(2**31))
    return _ends(metric.estimate(statistics, clusters, missing=0, ties=0, seed=seed))


def _calibration() -> Iterator[Cell]:
    """Two choices: right as often as the confidence says, less often by so much throughout, or among the surest fifth alone."""
    for binning in ("width", "mass"):
        for kind, truth in (("none", 0.0), ("all", 0.05), ("surest", 0.05), ("all", 0.15)):
            for n in (100, 300, 1000):
                for size in (1, 5):
                    yield (
                        f"ece, equal {binning}, {kind} off, n {n}, clusters of {size}",
                        truth,
                        _confident(binning, kind, truth, n, size),
                    )


def _confident(
    binning: str, kind: str, truth: float, n: int, size: int
) -> Callable[[Rng], tuple[float, float | None, float | None]]:
    metric = ece(binning="mass") if binning == "mass" else ece()

    def draw(rng: Rng) -> tuple[float, float | None, float | None]:
        # Samples of a cluster share their confidence and, in half of the clusters, their luck.
        confidence = rng.uniform(0.5, 1, n // size).repeat(size)
        off = 5 * truth * (confidence > 0.9) if kind == "surest" else truth
        shared = (rng.random(n // size) < 0.5).repeat(size)
        luck = np.where(shared, rng.random(n // size).repeat(size), rng.random(n))
        right = (luck < confidence - off).astype(float)
        if binning == "mass":
            statistics = np.column_stack([np.ones(n), confidence, right])
        else:
            statistics = np.zeros((n, 15, 3))
            place = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
            statistics[np.arange(n), place] = np.column_stack([np.ones(n), confidence, right])
            statistics = statistics.reshape(n, 45)
        clusters = [None if size == 1 else str(i // size) for i in range(n)]
        return _of(metric, statistics, clusters, rng)

    return draw


def _stereoset() -> Iterator[Cell]:
    """A model that takes the stereotype in one half of all cases, or more often; terms of eight samples, which vary."""
    for terms in (3, 10, 30, 100, 300):
        for mean in (0.5, 0.6):

            def draw(
                rng: Rng, terms: int = terms, mean: float = mean
            ) -> tuple[float, float | None, float | None]:
                share = rng.beta(10 * mean, 10 * (1 - mean), terms).repeat(8)
                statistics = np.column_stack(
                    [
                        100.0 * (rng.random(8 * terms) < 0.9),
                        100.0 * (rng.random(8 * terms) < share),
                        np.ones(8 * terms),
                    ]
                )
                return _of(IdealisedCat(), statistics, [str(i // 8) for i in range(8 * terms)], rng)

            yield f"icat, {terms} terms, ss {100 * mean:.0f}", 90 * min(mean, 1 - mean) / 0.5, draw


def _bbq() -> Iterator[Cell]:
    """Models that answer something other than unknown to some of the items, and as the stereotype has it to some of these."""
    for n in (100, 1000):
        for known, biased in ((0.01, 0.8), (0.1, 0.5), (0.1, 0.8), (0.5, 0.6), (0.9, 0.9)):
            for metric, truth in (
                (BiasAmbiguous(), known * (2 * biased - 1)),
                (BiasDisambiguated(), 2 * biased - 1),
            ):

                def draw(
                    rng: Rng,
                    n: int = n,
                    known: float = known,
                    biased: float = biased,
                    metric: object = metric,
                ) -> tuple[float, float | None, float | None]:
                    answered = (rng.random(n) < known).astype(float)
                    as_said = answered * (rng.random(n) < biased)
                    return _alone(metric, np.column_stack([as_said, answered, 1 - answered, np.ones(n)]), rng)

                yield f"{metric.name}, n {n}, {100 * known:.0f} % known", truth, draw


def _gaps() -> Iterator[Cell]:
    for first, second in ((5, 5), (10, 10), (30, 30), (100, 100), (10, 100)):
        for p, q in ((0.5, 0.5), (0.9, 0.7), (0.05, 0.02)):

            def apart(
                rng: Rng, first: int = first, second: int = second, p: float = p, q: float = q
            ) -> tuple[float, float | None, float | None]:
                statistics = np.zeros((first + second, 4))
                statistics[:first, 0], statistics[:first, 1] = rng.random(first) < p, 1
                statistics[first:, 2], statistics[first:, 3] = rng.random(second) < q, 1
                clusters = [None] * (first + second)
                return _ends(combined(_DIFFERENCE, statistics, clusters, missing=0, ties=0, seed=0))

            yield f"gap, {first} and {second}, {p} and {q}", p - q, apart
    for pairs in (10, 30, 200):
        for p, same in ((0.5, 0.5), (0.5, 0.9), (0.9, 0.9), (0.95, 0.0)):

            def paired(
                rng: Rng, pairs: int = pairs, p: float = p, same: float = same
            ) -> tuple[float, float | None, float | None]:
                one = rng.random(pairs) < p
                other = np.where(rng.random(pairs) < same, one, rng.random(pairs) < p)
                statistics = np.zeros((2 * pairs, 4))
                statistics[0::2, 0], statistics[0::2, 1] = one, 1
                statistics[1::2, 2], statistics[1::2, 3] = other, 1
                clusters = [str(i // 2) for i in range(2 * pairs)]
                return _ends(combined(_DIFFERENCE, statistics, clusters, missing=0, ties=0, seed=0))

            yield f"gap, {pairs} pairs, {p}, {100 * same:.0f} % alike", 0.0, paired


def _spreads() -> Iterator[Cell]:
    """Groups' means with standard errors of .1 throughout."""
    for groups in (2, 4, 18):
        for kind in ("alike", "one apart", "in steps"):
            means = np.zeros(groups)
            means[-1] = 0.4 if kind == "one apart" else 0.0
            means = np.linspace(0, 0.6, groups) if kind == "in steps" else means

            def draw(rng: Rng, means: FloatArray = means) -> tuple[float, float | None, float | None]:
                seen = means + 0.1 * rng.standard_normal(len(means))
                made = spread(seen, np.full(len(means), 0.1), seed=int(rng.integers(2**31)), level=0.95)
                return made.value, made.low, made.high

            yield f"spread, {groups} groups, {kind}", float(np.ptp(means)), draw


if __name__ == "__main__":
    sys.exit(main())
