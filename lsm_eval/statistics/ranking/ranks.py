"""Ranks as intervals that hold simultaneously for all models.

A model's rank is 1 + the number of models that are truly better. Differences between pairs of models are tested with simultaneous control
(`level`) in a step-down procedure (Romano & Wolf, Econometrica 73:1237-1282, 2005; for ranks Mogstad, Romano, Shaikh & Wilhelm, Review of
Economic Studies 91:476-518, 2024): pairs found to differ leave the comparisons, and the level is computed again for the rest. A model's
best rank is 1 + the number of models shown to be better; its worst is the number of models minus those shown to be worse. With
95 % confidence no pair at all is put in the wrong order, so that all intervals hold at once, even if models are truly equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.pairs import Clusters
from lsm_eval.statistics.ranking.level import NullDraws, null_draws, p_values, sidak_level
from lsm_eval.statistics.ranking.pair_sums import upper_triangle
from lsm_eval.statistics.ranking.pairwise import PairwiseDifferences, pairwise_differences

LEVEL = 0.95
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of m models, in the order given; arrays [m]."""

    values: FloatArray
    """Mean over the samples that the model answered; NaN if there are none."""
    ranks: NDArray[np.intp]
    """1 + the number of models with a better mean; 0 if the model has no value."""
    low: NDArray[np.intp]
    """The best rank that is not ruled out."""
    high: NDArray[np.intp]
    """The worst."""
    better: NDArray[np.bool_]
    """[m, m]: whether the row is shown to be better than the column."""
    stricter: NDArray[np.bool_]
    """The same at half the error rate, for conclusions that combine it with another comparison at half the rate."""
    level: float
    needed: float
    """The two-sided p-value needed in the last step."""
    comparisons: float
    """How many independent comparisons all pairs count as, in the first step."""
    method: str
    reason: str | None
    """Why no models can be compared, if no pair shares enough samples; else None."""

    @property
    def top(self) -> NDArray[np.intp]:
        """Places of the models that no other is shown to be better than (the tied top), best mean first."""
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
        """How many models are shown to be better than the next in order, and how many have a next."""
        order = self.order
        separated = int(self.better[order[:-1], order[1:]].sum())
        return separated, max(len(order) - 1, 0)


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
    found = pairwise_differences(values, clusters, weights)
    null = None if found.many else null_draws(found.residuals, seed, draws)
    return ranked(found, null, higher_is_better=higher_is_better, level=level)


def ranked(
    found: PairwiseDifferences, null: NullDraws | None, *, higher_is_better: bool, level: float = LEVEL
) -> Ranks:
    """Ranks from pairwise differences and draws under the null hypothesis (None: every pair counts as one comparison)."""
    p = p_values(found)
    separated, needed, comparisons = _separated(p, found.comparable, null, level)
    # In a single step, with the number of comparisons of the first step.
    surely = separated & (p <= sidak_level((1 + level) / 2, comparisons))
    better, stricter = (_square(found, one, higher_is_better) for one in (separated, surely))
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
        f"ranks(pairwise, step-down, {'every pair' if null is None else 'multipliers'})",
        None if found.comparable.any() else _why(found),
    )


def _square(
    found: PairwiseDifferences, separated: NDArray[np.bool_], higher_is_better: bool
) -> NDArray[np.bool_]:
    sign = found.value if higher_is_better else -found.value
    better, worse = (np.zeros((found.models, found.models), bool) for _ in range(2))
    pairs = upper_triangle(found.models)
    better.ravel()[pairs] = separated & (sign > 0)
    worse.ravel()[pairs] = separated & (sign < 0)
    return np.asarray(better | worse.T, bool)


def _separated(
    p: FloatArray, comparable: NDArray[np.bool_], null: NullDraws | None, level: float
) -> tuple[NDArray[np.bool_], float, float]:
    """Which pairs are shown to differ, the p-value needed, and the effective number of comparisons in the first step."""
    separated = np.zeros(len(p), bool)
    needed, comparisons = 0.0, 0.0
    for step in range(_STEPS):
        left = np.flatnonzero(comparable & ~separated)
        if not len(left):
            break
        number = float(len(left)) if null is None else null.effective(left)
        if step == 0:
            comparisons = number
        # Fewer pairs cannot count as more comparisons, whatever the noise of the draws.
        needed = max(needed, sidak_level(level, number))
        more = ~separated & comparable & (p <= needed)
        if not more.any():
            break
        separated |= more
    return separated, needed, comparisons


def _why(found: PairwiseDifferences) -> str:
    what = "samples" if found.clusters is None else "clusters"
    return f"too few {what} that two models share" if found.numbers.any() else "no samples"
