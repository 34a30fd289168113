"""Cells of other functions of sums, alone and in clusters: subset rates (a count over a random denominator), perplexities of texts
of unequal length, BLEU and chrF of documents whose quality varies. The truth is the value of a million draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import coverage_candidates as candidates
import numpy as np
from coverage_cells import Cell, Drawn, FloatArray, Rng, drawn

from lsm_eval.scoring.registry import create
from lsm_eval.statistics.intervals import estimate

Draw = Callable[[Rng, int, int], FloatArray]
"""Statistics [G · size, k] of so many clusters of a size."""


def cells() -> Iterator[Cell]:
    """All of them."""
    for kind, name, metric, draw, rare, wide in _numbers():
        truth = lru_cache(partial(_truth, metric, draw))
        up_to = 30 if kind == "perplexity" else 10
        for count, size in ((5, 1), (10, 1), (30, 1), (200, 1), (10, 10), (30, 10), (100, 10)):
            n = count * size
            yield Cell(
                kind, f"{name}, n {n}" if size == 1 else f"{name}, {count} clusters", truth, n,
                _estimated(metric, draw, count, size), events=n / (size if size > 1 else 1) * rare, share=0.5,
                wide=wide if count <= up_to else "",
            )  # fmt: skip


def _truth(metric: Any, draw: Draw) -> float:
    rng = np.random.default_rng(97)
    return float(metric.aggregate(sum(draw(rng, 100_000, 1).sum(axis=0) for _ in range(10))))


def _estimated(metric: Any, draw: Draw, count: int, size: int) -> Callable[[Rng], Drawn]:
    clusters = [None if size == 1 else str(i // size) for i in range(count * size)]

    def made(rng: Rng) -> Drawn:
        stats = draw(rng, count, size)
        found = estimate(metric, stats, clusters, missing=0, ties=0, seed=0)
        if found.low is None:
            return drawn(found)
        sums = stats.reshape(count, size, -1).sum(axis=1)
        rivals = {"bootstrap": candidates.bootstrap(metric.aggregate, sums)}
        if metric.unit == "perplexity":
            low, high = candidates.log_ratio(sums * (-1, 1))
            rivals["t of the logarithm"] = math.exp(low), math.exp(min(high, 700.0))
        return drawn(found, rivals)

    return made


def _numbers() -> Iterator[tuple[str, str, Any, Draw, float, str]]:
    few, unsure = "few documents", "few texts: the exponential of an unsure number"
    for known, share in ((0.5, 0.02), (0.2, 0.1), (0.1, 0.5), (0.5, 0.3)):
        metric = create("cbbq_bias_disambig")
        yield "subset rate", f"{share} of {known}", metric, _subset(known, share), known * share, ""
    for each, share in ((0.5, 0.2), (2.0, 0.2), (2.0, 0.03)):
        metric = create("cbbq_bias_disambig")
        yield (
            "weighted ratio",
            f"{share} of weights e^{each:g}, higher of heavy ones",
            metric,
            _weighted(each, share),
            share,
            "",
        )
    yield "weighted ratio", "hits count twice, .2", create("cbbq_bias_disambig"), _twice(0.2), 0.2, ""
    for shape in (20.0, 2.0):
        yield "perplexity", f"gamma({shape:g}) texts", create("word_perplexity"), _texts(shape), 1.0, unsure
    for rate in (0.1, 0.6):
        yield "TER", f"rate {rate}", create("ter"), _edits(rate), 1.0, ""
    for quality in (0.1, 0.4, 0.8):
        yield "BLEU", f"BLEU, quality {quality}", create("bleu"), _bleu(quality), 1.0, few
        yield "chrF", f"chrF, quality {quality}", create("chrf"), _chrf(quality), 1.0, few


def _subset(known: float, share: float) -> Draw:
    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        n = count * size
        there = (rng.random(n) < known).astype(float)
        # Half of what decides is the cluster's.
        own = rng.beta(share * 3, (1 - share) * 3, count).repeat(size) if size > 1 else share
        return np.column_stack([there * (rng.random(n) < own), there])

    return draw


def _weighted(spread: float, share: float) -> Draw:
    """Samples of log-normal weights up to e^spread, whose share rises with the weight."""

    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        weight = np.exp(np.minimum(rng.standard_normal(count * size), 1.0) * spread)
        own = rng.beta(2, 2, count).repeat(size) * 2 if size > 1 else 1.0
        chance = np.clip(2 * share * own * weight / (1 + weight), 0, 1)
        return np.column_stack([weight * (rng.random(count * size) < chance), weight])

    return draw


def _twice(share: float) -> Draw:
    """As in an F1: what is hit was predicted and true, and counts twice; a miss counts once."""

    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        own = rng.beta(3 * share, 3 * (1 - share), count).repeat(size) if size > 1 else share
        hit = (rng.random(count * size) < own).astype(float)
        return np.column_stack([2 * hit, 1 + hit])

    return draw


def _texts(shape: float) -> Draw:
    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        n = count * size
        words = np.maximum(20, rng.lognormal(6, 0.8, n)).round()
        nats = rng.gamma(shape, 3 / shape, count).repeat(size) if size > 1 else rng.gamma(shape, 3 / shape, n)
        return np.column_stack([-words * nats * (rng.gamma(10, 0.1, n) if size > 1 else 1.0), words])

    return draw


def _edits(rate: float) -> Draw:
    """Of documents which need more edits the worse they are; some need none."""

    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        words = np.maximum(3, rng.lognormal(3.2, 0.6, count * size)).round()
        hardness = rng.gamma(2.0, 0.5, count).repeat(size)
        return np.column_stack([rng.poisson(words * rate * hardness), words]).astype(float)

    return draw


def _bleu(quality: float) -> Draw:
    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        n = count * size
        theirs = np.maximum(5, rng.lognormal(3.2, 0.6, n)).astype(int)
        ours = np.maximum(4, np.round(theirs * rng.normal(1, 0.1, n))).astype(int)
        shares = rng.beta(4 * quality, 4 * (1 - quality), count).repeat(size)
        totals = np.stack([ours - order for order in range(4)], axis=1)
        matches = np.stack([0.9 * shares, 0.8 * shares**1.3, 0.75 * shares**1.7, 0.7 * shares**2.2], axis=1)
        return np.column_stack([ours, theirs, rng.binomial(totals, matches), totals]).astype(float)

    return draw


def _chrf(quality: float) -> Draw:
    def draw(rng: Rng, count: int, size: int) -> FloatArray:
        n = count * size
        theirs = np.maximum(20, rng.lognormal(4.8, 0.6, n)).astype(int)
        ours = np.maximum(10, np.round(theirs * rng.normal(1, 0.15, n))).astype(int)
        shares = rng.beta(4 * quality, 4 * (1 - quality), count).repeat(size)
        columns = []
        for order in range(6):
            one, other = ours - order, theirs - order
            columns += [one, other, rng.binomial(np.minimum(one, other), shares ** (1 + 0.4 * order))]
        return np.column_stack(columns).astype(float)

    return draw
