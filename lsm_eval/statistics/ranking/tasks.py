"""The mean over several tasks, for all pairs of models: added up task by task.

Each task is a stratum of its own: a difference is the mean of the tasks' differences, its variance the sum of theirs over the square of
their number, with Welch's and Satterthwaite's degrees of freedom (Biometrics Bulletin 2:110-114, 1946). Every task counts the same, however many
samples it has. Samples of different tasks are independent; what is by chance alone is added up as it was drawn for each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.ranking.apart import Apart, pairs_at
from lsm_eval.statistics.ranking.level import Chance

_SUMS = ("value", "variance", "third", "size", "tail", "welch")
"""Over tasks; `size` is Σ D², `tail` Σ D⁴."""


class Tasks:
    """The mean over `number` tasks of m models, some of which may turn out to lack a task."""

    def __init__(self, models: int, number: int) -> None:
        pairs = models * (models - 1) // 2
        self._models, self._number = models, number
        self._sums = {name: np.zeros(pairs) for name in _SUMS}
        self._fit = np.ones(pairs, bool)
        self._means = np.zeros(models)
        self._numbers = np.zeros(models, np.intp)
        self._have = np.zeros(models, np.intp)
        self._noise: NDArray[np.float32] | None = None
        self._errors = np.zeros(pairs)
        self._drawn = True
        self._added = 0

    def add(
        self, found: Apart, alone: Chance | None, places: NDArray[np.intp], *, weight: float = 1.0
    ) -> None:
        """One task, of models that stand at these places, in rising order [found.models]; `weight` turns its unit into the common one, and is below 0 where
        less is better. Raises `UserError` for a task too many."""
        self._added += 1
        if self._added > self._number:
            raise UserError("More tasks are added up than were said.")
        factor = weight / self._number
        at = _at(places, self._models)
        for name, own, power in (
            ("value", np.nan_to_num(found.value), 1),
            ("variance", found.variance, 2),
            ("third", found.third, 3),
            ("size", found.size, 2),
            ("tail", _tail(found), 4),
            ("welch", found.variance**2 / found.freedom, 4),
        ):
            self._sums[name][at] += own * factor**power
        fit = np.zeros(len(self._fit), bool)
        fit[at] = found.fit
        self._fit &= fit
        self._have[places] += np.isfinite(found.means)
        self._means[places] += np.nan_to_num(found.means) * factor
        self._numbers[places] += found.numbers
        self._draw(alone, places, at, factor)

    def _draw(
        self, alone: Chance | None, places: NDArray[np.intp], at: NDArray[np.intp] | slice, factor: float
    ) -> None:
        if alone is None:
            self._drawn = False
        if not self._drawn or alone is None:
            self._noise = None
            return
        scale = factor * alone.unit
        draws = alone.noise.shape[1]
        if self._noise is None:
            self._noise = np.zeros((self._models, draws), np.float32)
        self._noise = self._noise[:, :draws]
        self._noise[places] += (alone.noise * np.float32(scale))[:, : self._noise.shape[1]]
        self._errors[at] += (alone.errors * scale) ** 2

    def mean(self) -> tuple[Apart, Chance | None, NDArray[np.intp]]:
        """Differences of the means, what would be by chance alone, and the places of the models that have all tasks, which they are of. There are
        two models at least, or the first is of none."""
        whole = (
            np.flatnonzero(self._have == self._number)
            if self._added == self._number
            else np.zeros(0, np.intp)
        )
        at = pairs_at(whole, self._models)
        value, variance, third, size, tail, welch = (self._sums[name][at] for name in _SUMS)
        with np.errstate(invalid="ignore", divide="ignore"):
            # As for one task: over the spread around no difference.
            told = np.where(tail > 0, size**2 / tail, 0.0)
            net = np.where(size > 0, value / np.sqrt(size), 0.0)
            freedom = np.where(welch > 0, variance**2 / welch, 1.0)
        found = Apart(
            len(whole), self._means[whole], self._numbers[whole], value, variance, third, freedom, size,
            told, net, self._fit[at], exact=False, clusters=None,
        )  # fmt: skip
        if not self._drawn or self._noise is None:
            return found, None, whole
        return found, Chance(self._noise[whole], np.sqrt(self._errors[at])), whole


def _at(places: NDArray[np.intp], models: int) -> NDArray[np.intp] | slice:
    """Where the pairs of models at these places stand: of all of them everywhere, which is added up in half the time."""
    return slice(None) if len(places) == models else pairs_at(places, models)


def _tail(found: Apart) -> FloatArray:
    """Σ D⁴ of each pair."""
    with np.errstate(invalid="ignore", divide="ignore"):
        made: FloatArray = np.where(found.told > 0, found.size**2 / found.told, 0.0)
    return made
