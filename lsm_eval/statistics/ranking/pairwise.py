"""The differences between all pairs of models, each over the samples that both answered, with what their tests need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FEWEST_CLUSTERS, LARGEST_SHARE, FloatArray, satterthwaite
from lsm_eval.statistics.comparison.difference import FEWEST_FOR_MEANS
from lsm_eval.statistics.comparison.pairs import Clusters, pairs
from lsm_eval.statistics.ranking.pair_sums import (
    PairSums,
    binary_sums,
    complete_sums,
    sums_by_unit,
    unweighted_sums,
)

MANY = 5_000
"""Number of pairs (that of 100 models) above which comparisons are not simulated."""
_CONCENTRATED, _FEWEST_FREEDOM = 2.0, 6.0
"""As in `statistics.bounded`."""


@dataclass(frozen=True, slots=True)
class PairwiseDifferences:
    """For each pair of m models, the first minus the second: arrays over the m (m - 1) / 2 pairs, in the order of `numpy.triu_indices`.

    D and r are the units' contributions and residuals that `pair_sums` defines."""

    models: int
    means: FloatArray
    """Each model's mean over the samples that it answered [m]; NaN if there are none."""
    numbers: NDArray[np.intp]
    """How many samples each model answered [m]."""
    value: FloatArray
    """Mean difference; NaN if the two share no sample."""
    variance: FloatArray
    """CR2 variance of the value."""
    third: FloatArray
    """Σ r³ of the same residuals; the variance is Σ r²."""
    freedom: FloatArray
    """Degrees of freedom of the variance."""
    squares: FloatArray
    """Σ D²: the variance under the hypothesis of no difference."""
    effective_units: FloatArray
    """How many units with differences of equal size carry as much information: (Σ D²)² / Σ D⁴. For values 0 or 1 it is the number of
    discordant pairs."""
    z: FloatArray
    """Σ D / √Σ D²: for values 0 or 1, McNemar's statistic."""
    comparable: NDArray[np.bool_]
    """Whether the pair shares enough samples for a test."""
    exact: bool
    """Whether the values are 0 or 1, without clusters or weights."""
    clusters: int | None
    """None if no two samples share a cluster."""
    _answers: _Answers | None = None
    """None for sums over several tasks."""

    def of(self, places: NDArray[np.intp], at: NDArray[np.intp]) -> PairwiseDifferences:
        """The differences between the models at these places only, in ascending order; `at`: their `pair_indices`."""
        return PairwiseDifferences(
            len(places), self.means[places], self.numbers[places], self.value[at], self.variance[at],
            self.third[at], self.freedom[at], self.squares[at], self.effective_units[at], self.z[at],
            self.comparable[at], self.exact, self.clusters,
        )  # fmt: skip

    @property
    def many(self) -> bool:
        """Whether there are so many pairs that each counts as one comparison."""
        return len(self.value) > MANY

    @property
    def residuals(self) -> FloatArray:
        """For each unit and model [G, m]: the weighted sum of values minus the model's mean, over the model's total weight; 0 if the
        model has no answer there. `level.null_draws` draws from these."""
        assert self._answers is not None
        return self._answers.residuals()


@dataclass(frozen=True, slots=True)
class _Answers:
    """The samples that at least two models answered."""

    known: FloatArray
    mask: NDArray[np.bool_]
    weight: FloatArray
    groups: NDArray[np.intp]
    count: int

    def residuals(self) -> FloatArray:
        filled = np.where(self.mask, self.known, 0.0)
        total = np.maximum(self.mask @ self.weight, 1e-300)
        means = filled @ self.weight / total
        each = (filled - means[:, None] * self.mask) * (self.weight / total[:, None])
        if self.count == len(self.weight):
            # Without clusters, units are numbered in the order of samples.
            return np.ascontiguousarray(each.T)
        made = np.zeros((self.count, len(self.known)))
        np.add.at(made, self.groups, each.T)
        return made


def pairwise_differences(
    values: ArrayLike, clusters: Clusters | None = None, weights: ArrayLike | None = None
) -> PairwiseDifferences:
    """From values [m, n], NaN for missing. Raises `UserError` for fewer than two models, an infinite value or a negative weight."""
    given = np.asarray(values, float)
    if given.ndim != 2 or len(given) < 2:
        raise UserError("Give the values of two models or more: one alone has no rank.")
    # A sample that fewer than two models answered contributes to no pair.
    answered = ~np.isnan(given)
    shared = answered.sum(axis=0) > 1
    if np.isinf(given).any():
        raise UserError(
            "A sample's value is infinite, so that no mean can be compared: leave that sample out."
        )
    base = pairs(np.where(shared, 0.0, np.nan), np.zeros(given.shape[1]), clusters, weights)
    present = shared if weights is None else shared & (np.asarray(weights, float) > 0)
    own, numbers = _means(given, answered, weights), answered.sum(axis=1)
    known, weight = given[:, present], base.weights
    mask = answered[:, present]
    level = bool((weight == weight[:1]).all()) and base.clusters is None
    exact = level and bool(((known == 0) | (known == 1) | ~mask).all())
    if exact:
        sums = binary_sums(known, mask)
    elif level:
        sums = unweighted_sums(known, mask)
    elif mask.all():
        sums = complete_sums(known, weight, base.groups, base.count)
    else:
        sums = sums_by_unit(known, mask, weight, base.groups, base.count)
    answers = _Answers(known, mask, weight, base.groups, base.count)
    return _made(sums, own, numbers, answers, base.clusters, exact=exact)


def _means(given: FloatArray, answered: NDArray[np.bool_], weights: ArrayLike | None) -> FloatArray:
    weight = np.ones(given.shape[1]) if weights is None else np.asarray(weights, float)
    total = answered @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = np.where(answered, given, 0.0) @ weight / total
    return np.where(total > 0, found, np.nan)


def _made(
    sums: PairSums,
    means: FloatArray,
    numbers: NDArray[np.intp],
    answers: _Answers,
    clusters: int | None,
    *,
    exact: bool,
) -> PairwiseDifferences:
    count = answers.count
    by_unit = np.bincount(answers.groups, answers.weight, minlength=count).astype(float)
    second, third, fourth = sums.central
    freedom = np.full(len(second), satterthwaite(by_unit) if count > 1 else 1.0)
    # In proportion for a pair that shares fewer units.
    freedom = np.maximum(freedom * (sums.units - 1) / max(count - 1, 1), 1.0)
    if clusters is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = np.maximum(_CONCENTRATED * second**2 / fourth, _FEWEST_FREEDOM)
        freedom = np.where(fourth > 0, np.minimum(freedom, seen), freedom)
    fewest = FEWEST_CLUSTERS if exact or clusters is not None else FEWEST_FOR_MEANS
    comparable = sums.units >= fewest
    if clusters is not None:
        comparable &= sums.largest <= LARGEST_SHARE
    one, two, four = sums.raw
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = np.where(four > 0, two**2 / four, 0.0)
        z = np.where(two > 0, one / np.sqrt(two), 0.0)
    return PairwiseDifferences(
        len(means), means, numbers, np.where(sums.units > 0, sums.value, np.nan), second, third, freedom, two,
        np.minimum(effective, sums.units), z, comparable, exact, clusters, answers,
    )  # fmt: skip


def pair_indices(places: NDArray[np.intp], models: int) -> NDArray[np.intp]:
    """Indices of the pairs among the models at these places (ascending) within the pairs of all models."""
    if len(places) == models:
        return np.arange(models * (models - 1) // 2)
    first, second = np.triu_indices(len(places), 1)
    one, two = places[first], places[second]
    made: NDArray[np.intp] = one * models - one * (one + 1) // 2 + two - one - 1
    return made
