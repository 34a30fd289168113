"""Cells of a judge's kappa, alone and in clusters, and of rates corrected by a card for a model that is not on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import coverage_candidates as candidates
import numpy as np
from coverage_cells import Cell, Drawn, Rng, drawn

from lsm_eval.statistics.corrected import Proportion, Quality, corrected_estimate, rogan_gladen
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.kappa import kappa_estimate


def cells() -> Iterator[Cell]:
    """All of them."""
    yield from _kappas()
    yield from _clustered_kappas()
    yield from _corrected()


def _kappas() -> Iterator[Cell]:
    """Two raters with the same share of yes."""
    for n in (10, 30, 100, 300):
        for yes in (0.5, 0.2):
            for kappa in (0.0, 0.3, 0.6, 0.9, 1.0):
                yield Cell(
                    "kappa", f"n {n}, yes {yes}", kappa, n, _kappa(_shares(yes, kappa), n), share=0.5 if n < 100 else 0.2,
                    design=f"n {n}, yes {yes}, {kappa}", events=n * yes * (1 - yes) * (1 - kappa),
                )  # fmt: skip


def _shares(yes: float, kappa: float) -> list[float]:
    apart = yes * (1 - yes) * (1 - kappa)
    return [yes - apart, apart, apart, 1 - yes - apart]


def _kappa(shares: list[float], n: int) -> Callable[[Rng], Drawn]:
    def draw(rng: Rng) -> Drawn:
        return _rated(*rng.multinomial(n, shares).tolist())

    return draw


@lru_cache(maxsize=100_000)
def _rated(*counts: int) -> Drawn:
    made = kappa_estimate(np.repeat(np.eye(4), counts, axis=0), [None] * sum(counts))
    return drawn(made, candidates.kappas(np.array(counts, float)))


def _clustered_kappas() -> Iterator[Cell]:
    """Clusters of five items: each item's cell is that of its cluster's first item with a chance of `alike`."""
    for count in (10, 30, 100):
        for alike in (0.0, 0.5):
            for kappa in (0.3, 0.6, 0.9):
                yield Cell(
                    "kappa, clustered", f"{count} clusters of 5, {100 * alike:.0f} % alike", kappa, 5 * count,
                    _clustered_kappa(_shares(0.5, kappa), count, alike), share=0.2,
                    design=f"{count} clusters, {kappa}", events=count / 4 * (1 - kappa),
                    wide="fewer than 20 clusters" if count < 20 else "",
                )  # fmt: skip


def _clustered_kappa(shares: list[float], count: int, alike: float) -> Callable[[Rng], Drawn]:
    clusters = [str(i // 5) for i in range(5 * count)]

    def draw(rng: Rng) -> Drawn:
        own, common = rng.choice(4, 5 * count, p=shares), rng.choice(4, count, p=shares).repeat(5)
        cell = np.where(rng.random(5 * count) < alike, common, own)
        return drawn(kappa_estimate(np.eye(4)[cell], clusters))

    return draw


def _corrected() -> Iterator[Cell]:
    """Logits of sensitivity and specificity differ between models by `spread`."""
    for models in (4, 5, 10):
        for spread in (0.0, 0.5, 1.0, 1.5):
            for rate in (0.05, 0.3, 0.8):
                yield Cell(
                    "corrected rate", f"{models} models, spread {spread}", rate, 300, _one(models, spread, rate),
                    share=0.25, wide="for a model that nobody has seen", design=f"{models} models, {rate}",
                )  # fmt: skip


def _one(models: int, spread: float, rate: float) -> Callable[[Rng], Drawn]:
    def draw(rng: Rng) -> Drawn:
        made, pooled = _corrected_once(rng, models, spread, rate)
        return drawn(made, {} if made.low is None else {"Rogan-Gladen, models pooled": pooled})

    return draw


def _corrected_once(
    rng: Rng, models: int, spread: float, rate: float
) -> tuple[Estimate, tuple[float, float]]:
    finds = 1 / (1 + np.exp(-2.0 - spread * rng.standard_normal(models + 1)))
    leaves = 1 / (1 + np.exp(-2.8 - spread * rng.standard_normal(models + 1)))
    seen = [
        tuple(Proportion(int(right), 200) for right in rng.binomial(200, own[:-1])) for own in (finds, leaves)
    ]
    whole = [Proportion(sum(s.successes for s in own), 200 * models) for own in seen]
    found = rng.random(300) < rate * finds[-1] + (1 - rate) * (1 - leaves[-1])
    stats = np.column_stack([found, np.ones(300)]).astype(float)
    made = corrected_estimate(stats, [None] * 300, Quality(whole[0], whole[1], seen[0], seen[1]), missing=0)
    share = float(found.mean())
    gain = whole[0].share + whole[1].share - 1
    value = rogan_gladen(share, whole[0].share, whole[1].share) or 0.0
    variance = share * (1 - share) / 300 + sum(
        weight**2 * own.share * (1 - own.share) / own.trials
        for weight, own in zip((value, 1 - value), whole, strict=True)
    )
    half = candidates.Z * variance**0.5 / gain if gain > 0 else np.inf
    return made, (value - half, value + half)
