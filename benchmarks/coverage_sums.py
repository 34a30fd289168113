"""How often do intervals of ratios, perplexities, BLEU and chrF hold the truth?

    python benchmarks/coverage_sums.py [--draws N] [--seed N]

As `coverage.py`, for numbers that are other functions of sums: subset rates (a count over a random denominator), perplexities
of texts of unequal length, BLEU and chrF of documents whose quality varies. The truth is the value of two million draws.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lsm_eval.metrics.registry import create
from lsm_eval.statistics.intervals import FloatArray, estimate

Draw = Callable[[np.random.Generator, int], FloatArray]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="coverage_sums.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000, metavar="N", help="of each cell")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    print("| number | n | truth | held | below | above | width | none | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for cell, (name, metric, draw) in enumerate(_cells()):
        rng = np.random.default_rng([options.seed, cell])
        truth = float(metric.aggregate(sum(draw(rng, 200_000).sum(axis=0) for _ in range(10))))
        for n in (5, 10, 30, 200):
            counts, width, made = np.zeros(3), 0.0, 0
            for _ in range(options.draws):
                found = estimate(metric, draw(rng, n), [None] * n, missing=0, ties=0, seed=0)
                if found.low is None or found.high is None:
                    continue
                made += 1
                counts += (found.low <= truth <= found.high, found.high < truth, found.low > truth)
                width += found.high - found.low
            held, below, above = 100 * counts / max(made, 1)
            mark = "" if not made else "<" if held < 93.5 else ">" if held > 98 else ""
            print(
                f"| {name} | {n} | {truth:.3f} | {held:.1f} % | {below:.1f} | {above:.1f} | {width / max(made, 1):.3f} "
                f"| {options.draws - made} | {mark} |",
                flush=True,
            )
    return 0


def _cells() -> Iterator[tuple[str, Any, Draw]]:
    for known, share in ((0.5, 0.02), (0.2, 0.1), (0.1, 0.5), (0.5, 0.3)):
        yield f"rate {share} of a subset of {known}", create("cbbq_bias_disambig"), _subset(known, share)
    for shape in (20.0, 2.0):
        yield f"perplexity, gamma({shape:g}) texts", create("word_perplexity"), _texts(shape)
    for rate in (0.1, 0.6):
        yield f"TER, {rate}", create("ter"), _edits(rate)
    for quality in (0.1, 0.4, 0.8):
        yield f"BLEU, quality {quality}", create("bleu"), _bleu(quality)
        yield f"chrF, quality {quality}", create("chrf"), _chrf(quality)


def _subset(known: float, share: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> FloatArray:
        there = (rng.random(n) < known).astype(float)
        return np.column_stack([there * (rng.random(n) < share), there])

    return draw


def _texts(shape: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> FloatArray:
        words = np.maximum(20, rng.lognormal(6, 0.8, n)).round()
        return np.column_stack([-words * rng.gamma(shape, 3 / shape, n), words])

    return draw


def _edits(rate: float) -> Draw:
    """Of documents which need more edits the worse they are; some need none."""

    def draw(rng: np.random.Generator, n: int) -> FloatArray:
        words = np.maximum(3, rng.lognormal(3.2, 0.6, n)).round()
        return np.column_stack([rng.poisson(words * rate * rng.gamma(2.0, 0.5, n)), words]).astype(float)

    return draw


def _bleu(quality: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> FloatArray:
        theirs = np.maximum(5, rng.lognormal(3.2, 0.6, n)).astype(int)
        ours = np.maximum(4, np.round(theirs * rng.normal(1, 0.1, n))).astype(int)
        shares = rng.beta(4 * quality, 4 * (1 - quality), n)
        totals = np.stack([ours - order for order in range(4)], axis=1)
        matches = np.stack([0.9 * shares, 0.8 * shares**1.3, 0.75 * shares**1.7, 0.7 * shares**2.2], axis=1)
        return np.column_stack([ours, theirs, rng.binomial(totals, matches), totals]).astype(float)

    return draw


def _chrf(quality: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> FloatArray:
        theirs = np.maximum(20, rng.lognormal(4.8, 0.6, n)).astype(int)
        ours = np.maximum(10, np.round(theirs * rng.normal(1, 0.15, n))).astype(int)
        shares = rng.beta(4 * quality, 4 * (1 - quality), n)
        columns = []
        for order in range(6):
            one, other = ours - order, theirs - order
            columns += [one, other, rng.binomial(np.minimum(one, other), shares ** (1 + 0.4 * order))]
        return np.column_stack(columns).astype(float)

    return draw


if __name__ == "__main__":
    sys.exit(main())
