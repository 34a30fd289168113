"""Ranks as intervals that hold for all models at once.

A model's rank is 1 + how many are truly better. Of all pairs of models those are found whose difference is shown with
simultaneous control (`level`), in steps (Romano & Wolf, Econometrica 73:1237-1282, 2005; for ranks Mogstad, Romano, Shaikh & Wilhelm, Review of
Economic Studies 91:476-518, 2024): pairs that were told apart leave the comparisons, and the level is made anew for the rest. A model's best
rank is 1 + the models shown to be better, its worst is the number of models less those shown to be worse. With 95 % no pair at all is
put in the wrong order, so that all intervals hold at once, also where models are truly equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.pairs import Clusters
from lsm_eval.statistics.ranking.apart import Apart, above, apart
from lsm_eval.statistics.ranking.level import Chance, chance, level_of_one, p_values

LEVEL = 0.95
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Ranks:
    """Of m models, in the order given; arrays [m]."""

    values: FloatArray
    """Means over the samples that each answered; NaN without any."""
    ranks: NDArray[np.intp]
    """1 + the models with a better mean; 0 without a value."""
    low: NDArray[np.intp]
    """The best rank that is not ruled out."""
    high: NDArray[np.intp]
    """The worst."""
    better: NDArray[np.bool_]
    """[m, m]: whether the row is shown to be better than the column."""
    stricter: NDArray[np.bool_]
    """The same at half the error, for conclusions that need another comparison of as little error beside this one."""
    level: float
    needed: float
    """The two-sided p that told the last pair apart, or would have."""
    comparisons: float
    """How many independent ones all pairs count as, at first."""
    method: str
    reason: str | None
    """Why nothing can be told, where no pair shares enough samples; else None."""

    @property
    def top(self) -> NDArray[np.intp]:
        """Places of the models that none is shown to be better than, best mean first: the tied top."""
        order = self.order
        found: NDArray[np.intp] = order[self.low[order] == 1]
        return found

    @property
    def order(self) -> NDArray[np.intp]:
        """Places of the models that have a value, by rank."""
        known = np.flatnonzero(self.ranks > 0)
        made: NDArray[np.intp] = known[np.argsort(self.ranks[known], kind="stable")]
        return made

    @property
    def neighbours(self) -> tuple[int, int]:
        """How many models are shown to be better than the next one in order, and how many have a next one."""
        order = self.order
        told = int(self.better[order[:-1], order[1:]].sum())
        return told, max(len(order) - 1, 0)


def ranks(
    values: ArrayLike,
    clusters: Clusters | None = None,
    weights: ArrayLike | None = None,
    *,
    higher_is_better: bool = True,
    level: float = LEVEL,
    seed: int = 0,
    draws: int | None = None,
) -> Ranks:
    """From values [models, samples], NaN for missing; two models are compared over the samples that both have. Raises `UserError`
    for fewer than two models, an infinite value or a negative weight."""
    found = apart(values, clusters, weights)
    alone = None if found.many else chance(found.residuals, seed, draws)
    return ranked(found, alone, higher_is_better=higher_is_better, level=level)


def ranked(found: Apart, alone: Chance | None, *, higher_is_better: bool, level: float = LEVEL) -> Ranks:
    """Of differences, and what they would be by chance alone (None: every pair counts for itself)."""
    p = p_values(found)
    told, needed, comparisons = _told(p, found.fit, alone, level)
    # In one step, by as many comparisons as all are at first.
    surely = told & (p <= level_of_one((1 + level) / 2, comparisons))
    better, stricter = (_square(found, one, higher_is_better) for one in (told, surely))
    known = np.isfinite(found.means)
    score = np.where(known, found.means if higher_is_better else -found.means, -np.inf)
    place = 1 + np.searchsorted(np.sort(-score[known]), -score, side="left")
    return Ranks(
        found.means,
        np.where(known, place, 0),
        1 + better.sum(axis=0),
        int(known.sum()) - better.sum(axis=1),
        better,
        stricter,
        level,
        needed,
        comparisons,
        f"ranks(pairwise, step-down, {'every pair' if alone is None else 'multipliers'})",
        None if found.fit.any() else _why(found),
    )


def _square(found: Apart, told: NDArray[np.bool_], higher_is_better: bool) -> NDArray[np.bool_]:
    sign = found.value if higher_is_better else -found.value
    better, worse = (np.zeros((found.models, found.models), bool) for _ in range(2))
    pairs = above(found.models)
    better.ravel()[pairs] = told & (sign > 0)
    worse.ravel()[pairs] = told & (sign < 0)
    return np.asarray(better | worse.T, bool)


def _told(
    p: FloatArray, fit: NDArray[np.bool_], alone: Chance | None, level: float
) -> tuple[NDArray[np.bool_], float, float]:
    """Which pairs are told apart, at which p, and the effective number of comparisons at first."""
    told = np.zeros(len(p), bool)
    needed, comparisons = 0.0, 0.0
    for step in range(_STEPS):
        left = np.flatnonzero(fit & ~told)
        if not len(left):
            break
        number = float(len(left)) if alone is None else alone.effective(left)
        if step == 0:
            comparisons = number
        # Fewer pairs cannot count as more comparisons; draws alone would say so.
        needed = max(needed, level_of_one(level, number))
        more = ~told & fit & (p <= needed)
        if not more.any():
            break
        told |= more
    return told, needed, comparisons


def _why(found: Apart) -> str:
    what = "samples" if found.clusters is None else "clusters"
    return f"too few {what} that two models share" if found.numbers.any() else "no samples"
