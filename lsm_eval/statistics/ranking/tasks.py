"""The mean over several tasks, for all pairs of models, accumulated task by task.

Each task is a stratum: a difference is the mean of the tasks' differences, and its variance the sum of theirs over the squared number of
tasks, with Welch's and Satterthwaite's degrees of freedom (Biometrics Bulletin 2:110-114, 1946). Every task has the same weight, however
many samples it has. Samples of different tasks are independent, so that the tasks' null draws are added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.ranking.level import NullDraws
from lsm_eval.statistics.ranking.pairwise import PairwiseDifferences, pair_indices

_SUMS = ("value", "variance", "third", "squares", "fourth", "welch")
"""Sums over tasks; `squares` is Σ D², `fourth` Σ D⁴."""


class Tasks:
    """The mean over `number` tasks for m models, of which some may lack a task."""

    def __init__(self, models: int, number: int) -> None:
        pairs = models * (models - 1) // 2
        self._models, self._number = models, number
        self._sums = {name: np.zeros(pairs) for name in _SUMS}
        self._comparable = np.ones(pairs, bool)
        self._means = np.zeros(models)
        self._numbers = np.zeros(models, np.intp)
        self._have = np.zeros(models, np.intp)
        self._noise: NDArray[np.float32] | None = None
        self._errors = np.zeros(pairs)
        self._drawn = True
        self._added = 0

    def add(
        self,
        found: PairwiseDifferences,
        null: NullDraws | None,
        places: NDArray[np.intp],
        *,
        weight: float = 1.0,
    ) -> None:
        """Add one task, for the models at these places (ascending) [found.models]; `weight` converts its unit into the common one and is negative if
        lower is better. Raises `UserError` if there are more tasks than announced."""
        self._added += 1
        if self._added > self._number:
            raise UserError("More tasks are added than were announced.")
        factor = weight / self._number
        at = _at(places, self._models)
        for name, own, power in (
            ("value", np.nan_to_num(found.value), 1),
            ("variance", found.variance, 2),
            ("third", found.third, 3),
            ("squares", found.squares, 2),
            ("fourth", _fourth(found), 4),
            ("welch", found.variance**2 / found.freedom, 4),
        ):
            self._sums[name][at] += own * factor**power
        comparable = np.zeros(len(self._comparable), bool)
        comparable[at] = found.comparable
        self._comparable &= comparable
        self._have[places] += np.isfinite(found.means)
        self._means[places] += np.nan_to_num(found.means) * factor
        self._numbers[places] += found.numbers
        self._draw(null, places, at, factor)

    def _draw(
        self, null: NullDraws | None, places: NDArray[np.intp], at: NDArray[np.intp] | slice, factor: float
    ) -> None:
        if null is None:
            self._drawn = False
        if not self._drawn or null is None:
            self._noise = None
            return
        scale = factor * null.unit
        draws = null.noise.shape[1]
        if self._noise is None:
            self._noise = np.zeros((self._models, draws), np.float32)
        self._noise = self._noise[:, :draws]
        self._noise[places] += (null.noise * np.float32(scale))[:, : self._noise.shape[1]]
        self._errors[at] += (null.errors * scale) ** 2

    def mean(self) -> tuple[PairwiseDifferences, NullDraws | None, NDArray[np.intp]]:
        """Differences between the means, their null draws, and the places of the models they cover: those that have all tasks. Fewer than
        two such models give no differences."""
        whole = (
            np.flatnonzero(self._have == self._number)
            if self._added == self._number
            else np.zeros(0, np.intp)
        )
        at = pair_indices(whole, self._models)
        value, variance, third, squares, fourth, welch = (self._sums[name][at] for name in _SUMS)
        with np.errstate(invalid="ignore", divide="ignore"):
            # As for one task: relative to the spread under no difference.
            effective = np.where(fourth > 0, squares**2 / fourth, 0.0)
            z = np.where(squares > 0, value / np.sqrt(squares), 0.0)
            freedom = np.where(welch > 0, variance**2 / welch, 1.0)
        found = PairwiseDifferences(
            len(whole), self._means[whole], self._numbers[whole], value, variance, third, freedom, squares,
            effective, z, self._comparable[at], exact=False, clusters=None,
        )  # fmt: skip
        if not self._drawn or self._noise is None:
            return found, None, whole
        return found, NullDraws(self._noise[whole], np.sqrt(self._errors[at])), whole


def _at(places: NDArray[np.intp], models: int) -> NDArray[np.intp] | slice:
    """Indices of the pairs of these models; all of them are a slice, which is added in half the time."""
    return slice(None) if len(places) == models else pair_indices(places, models)


def _fourth(found: PairwiseDifferences) -> FloatArray:
    """Σ D⁴ of each pair."""
    with np.errstate(invalid="ignore", divide="ignore"):
        made: FloatArray = np.where(found.effective_units > 0, found.squares**2 / found.effective_units, 0.0)
    return made
