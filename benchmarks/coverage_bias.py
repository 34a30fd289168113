"""Cells of expected calibration errors, StereoSet's ICAT, BBQ's scores, gaps between two groups (independent and paired) and
BOLD's spread; each through the metric that makes a run's estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import coverage_candidates as candidates
import coverage_gaps
import numpy as np
from coverage_cells import Cell, Drawn, FloatArray, Rng, drawn

from lsm_eval.benchmarks.bias.bbq.code import BiasAmbiguous, BiasDisambiguated
from lsm_eval.benchmarks.bias.stereoset.code import IdealisedCat
from lsm_eval.metrics.calibration import ece
from lsm_eval.metrics.protocols import Interval
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined
from lsm_eval.statistics.spread import spread

_DIFFERENCE = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from _calibration()
    yield from _stereoset()
    yield from _bbq()
    yield from _gaps()
    yield from _spreads()


def _of(metric: object, statistics: FloatArray, clusters: Sequence[str | None], rng: Rng) -> Estimate:
    assert isinstance(metric, Interval)
    seed = int(rng.integers(2**31))
    return metric.estimate(statistics, clusters, missing=0, ties=0, seed=seed)


def _calibration() -> Iterator[Cell]:
    """Two choices: right as often as the confidence says, less often by so much throughout, or among the surest fifth alone."""
    for binning in ("width", "mass"):
        for kind, truth in (("none", 0.0), ("all", 0.05), ("surest", 0.05), ("all", 0.15)):
            for n in (100, 300, 1000):
                for size in (1, 5):
                    yield Cell(
                        "ECE", f"equal {binning}, {kind} off, n {n}, clusters of {size}", truth, n,
                        _confident(binning, kind, truth, n, size), share=0.25,
                        wide="one error of many bins; the upper end allows for the worst split" if truth * n**0.5 < 1 or size > 1 else "",
                    )  # fmt: skip


def _confident(binning: str, kind: str, truth: float, n: int, size: int) -> Callable[[Rng], Drawn]:
    metric = ece(binning="mass") if binning == "mass" else ece()

    def draw(rng: Rng) -> Drawn:
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
        made = _of(metric, statistics, clusters, rng)
        if binning == "mass":
            return drawn(made)
        sums = statistics.reshape(n // size, size, 45).sum(axis=1)
        return drawn(made, {"bootstrap": candidates.bootstrap(_plug_in, sums)})

    return draw


def _plug_in(sums: FloatArray) -> FloatArray:
    bins = sums.reshape(*sums.shape[:-1], 15, 3)
    figures: FloatArray = np.abs(bins[..., 1] - bins[..., 2]).sum(axis=-1) / bins[..., 0].sum(axis=-1)
    return figures


def _stereoset() -> Iterator[Cell]:
    """A model that takes the stereotype in one half of all cases, or more often; terms of eight samples, which vary."""
    for terms in (3, 10, 30, 100, 300):
        for mean in (0.5, 0.6):

            def draw(rng: Rng, terms: int = terms, mean: float = mean) -> Drawn:
                share = rng.beta(10 * mean, 10 * (1 - mean), terms).repeat(8)
                statistics = np.column_stack(
                    [
                        100.0 * (rng.random(8 * terms) < 0.9),
                        100.0 * (rng.random(8 * terms) < share),
                        np.ones(8 * terms),
                    ]
                )
                return drawn(_of(IdealisedCat(), statistics, [str(i // 8) for i in range(8 * terms)], rng))

            yield Cell(
                "ICAT", f"{terms} terms, ss {100 * mean:.0f}", 90 * min(mean, 1 - mean) / 0.5, 8 * terms, draw,
                wide="a maximum at a kink: the box of two parts" if mean == 0.5 or terms < 100 else "", share=0.5,
            )  # fmt: skip


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
                ) -> Drawn:
                    answered = (rng.random(n) < known).astype(float)
                    as_said = answered * (rng.random(n) < biased)
                    statistics = np.column_stack([as_said, answered, 1 - answered, np.ones(n)])
                    return drawn(_of(metric, statistics, [None] * n, rng))

                yield Cell(
                    "BBQ scores", f"{metric.name}, n {n}, {100 * known:.0f} % known", truth, n, draw,
                    events=n * known * min(1 - biased, biased, (1 - known) / known),
                )  # fmt: skip


def _gaps() -> Iterator[Cell]:
    yield from coverage_gaps.gaps()
    for pairs in (10, 30, 200):
        for p, same in ((0.5, 0.5), (0.5, 0.9), (0.9, 0.9), (0.95, 0.0)):

            def paired(rng: Rng, pairs: int = pairs, p: float = p, same: float = same) -> Drawn:
                one = rng.random(pairs) < p
                other = np.where(rng.random(pairs) < same, one, rng.random(pairs) < p)
                statistics = np.zeros((2 * pairs, 4))
                statistics[0::2, 0], statistics[0::2, 1] = one, 1
                statistics[1::2, 2], statistics[1::2, 3] = other, 1
                clusters = [str(i // 2) for i in range(2 * pairs)]
                made = combined(_DIFFERENCE, statistics, clusters, missing=0, ties=0, seed=0)
                only, second = int((one & ~other).sum()), int((other & ~one).sum())
                return drawn(made, candidates.paired_differences(only, second, pairs))

            yield Cell(
                "paired gap", f"gap, {pairs} pairs, {p}, {100 * same:.0f} % alike", 0.0, 2 * pairs, paired,
                events=pairs * 2 * p * (1 - p) * (1 - same) if same else pairs * (1 - p),
                wide="fewer than 30 pairs" if pairs < 30 else "",
            )  # fmt: skip


def _spreads() -> Iterator[Cell]:
    """Groups' means with standard errors of .1 throughout."""
    for groups in (2, 4, 18):
        for kind in ("alike", "one apart", "in steps", "two halves"):
            means = np.zeros(groups)
            means[-1] = 0.4 if kind == "one apart" else 0.0
            means[: groups // 2] = 0.4 if kind == "two halves" else 0.0
            means = np.linspace(0, 0.6, groups) if kind == "in steps" else means

            def draw(rng: Rng, means: FloatArray = means) -> Drawn:
                seen = means + 0.1 * rng.standard_normal(len(means))
                made = spread(seen, np.full(len(means), 0.1), seed=int(rng.integers(2**31)), level=0.95)
                return Drawn(made.value, made.low, made.high)

            yield Cell(
                "spread of groups", f"spread, {groups} groups, {kind}", float(np.ptp(means)), 100, draw, share=0.5,
                wide="the largest of several differences",
            )  # fmt: skip
