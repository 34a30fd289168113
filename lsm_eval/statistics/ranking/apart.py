"""The differences of all pairs of models, each over the samples that both answered, and what their tests need.

All are sums over units (samples, or clusters of them). A unit's part in a difference is D = Σ w (x - y) / W, over its samples and the pair's
whole weight W; its residual is r = D - w d / W, which CR2 divides by √(1 - w / W) (Bell & McCaffrey 2002, `statistics.bounded`). Powers of
D and r up to the fourth are sums of products of one model's powers with the other's, so that a few matrix products give them for
all pairs; only where units weigh unlike and samples are missing are they added up unit by unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import (
    FEWEST_CLUSTERS,
    LARGEST_SHARE,
    FloatArray,
    satterthwaite,
)
from lsm_eval.statistics.comparison.difference import FEWEST_FOR_MEANS
from lsm_eval.statistics.comparison.pairs import Clusters, pairs

MANY = 5_000
"""Pairs (100 models)."""
_CONCENTRATED, _FEWEST_FREEDOM = 2.0, 6.0
"""As in `statistics.bounded`."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Of each pair of m models, the first less the second; arrays over the m (m - 1) / 2 pairs in the order of `numpy.triu_indices`."""

    models: int
    means: FloatArray
    """Of each model over the samples that it answered [m]; NaN where there are none."""
    numbers: NDArray[np.intp]
    """Of samples that each model answered [m]."""
    value: FloatArray
    """Mean difference; NaN where no sample is shared."""
    variance: FloatArray
    """CR2's, of the value."""
    third: FloatArray
    """Σ r³ of the residuals that the variance is Σ r² of."""
    freedom: FloatArray
    """Degrees of freedom of the variance."""
    size: FloatArray
    """Σ D²: what the variance would be around no difference."""
    told: FloatArray
    """How many units that differ by the same amount tell as much: (Σ D²)² / Σ D⁴. Of 0 or 1 it is the number of pairs that differ."""
    net: FloatArray
    """Σ D / √Σ D²: for 0 or 1, McNemar's statistic."""
    fit: NDArray[np.bool_]
    """Whether the pair shares enough samples to be told apart at all."""
    exact: bool
    """Of 0 or 1 that stand alone."""
    clusters: int | None
    """None where every sample stands alone."""
    _answers: _Answers | None = None
    """None of sums over several tasks."""

    def of(self, places: NDArray[np.intp], at: NDArray[np.intp]) -> Apart:
        """Of the models at these places alone, in rising order; `at`: `pairs_at` of them."""
        return Apart(
            len(places), self.means[places], self.numbers[places], self.value[at], self.variance[at],
            self.third[at], self.freedom[at], self.size[at], self.told[at], self.net[at], self.fit[at],
            self.exact, self.clusters,
        )  # fmt: skip

    @property
    def many(self) -> bool:
        """Whether there are so many pairs that each is to count for itself."""
        return len(self.value) > MANY

    @property
    def residuals(self) -> FloatArray:
        """Of each unit and model [G, m]: its weighted sum of values less the model's mean, over the model's weight; 0 where it has no
        answer. Levels are drawn from these."""
        assert self._answers is not None
        return self._answers.residuals()


@dataclass(frozen=True, slots=True)
class _Answers:
    """What units are made of: samples that two models or more answered."""

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
            # Pairs that stand alone are numbered in order.
            return np.ascontiguousarray(each.T)
        made = np.zeros((self.count, len(self.known)))
        np.add.at(made, self.groups, each.T)
        return made


def apart(values: ArrayLike, clusters: Clusters | None = None, weights: ArrayLike | None = None) -> Apart:
    """From values [m, n], NaN for missing. Raises `UserError` for fewer than two models, an infinite value or a negative weight."""
    given = np.asarray(values, float)
    if given.ndim != 2 or len(given) < 2:
        raise UserError("Give the values of two models or more: one alone has no rank.")
    # A sample that one model at most answered says nothing of any pair.
    answered = ~np.isnan(given)
    shared = answered.sum(axis=0) > 1
    if np.isinf(given).any():
        raise UserError(
            "A sample's value is infinite, so that no mean can be compared: leave that sample out."
        )
    base = pairs(np.where(shared, 0.0, np.nan), np.zeros(given.shape[1]), clusters, weights)
    held = shared if weights is None else shared & (np.asarray(weights, float) > 0)
    own, numbers = _means(given, answered, weights), answered.sum(axis=1)
    known, weight = given[:, held], base.weights
    mask = answered[:, held]
    level = bool((weight == weight[:1]).all()) and base.clusters is None
    exact = level and bool(((known == 0) | (known == 1) | ~mask).all())
    if exact:
        sums = _coins(known, mask)
    elif level:
        sums = _alone(known, mask)
    elif mask.all():
        sums = _complete(known, weight, base.groups, base.count)
    else:
        sums = _by_unit(known, mask, weight, base.groups, base.count)
    answers = _Answers(known, mask, weight, base.groups, base.count)
    return _made(sums, own, numbers, answers, base.clusters, exact=exact)


@dataclass(slots=True)
class _Sums:
    """Over pairs: units shared, Σ D to Σ D⁴, Σ r² to Σ r⁴, and the largest share of one unit."""

    units: FloatArray
    raw: tuple[FloatArray, FloatArray, FloatArray]
    """Σ D, Σ D², Σ D⁴."""
    value: FloatArray
    central: tuple[FloatArray, FloatArray, FloatArray]
    largest: FloatArray


def _upper(matrix: NDArray[np.floating]) -> FloatArray:
    return np.asarray(matrix.ravel()[above(len(matrix))], float)


@lru_cache(maxsize=2)
def above(models: int) -> NDArray[np.intp]:
    """Where pairs stand in a matrix [models, models] that is laid out row by row."""
    first, second = np.triu_indices(models, 1)
    made: NDArray[np.intp] = first * models + second
    return made


def _coins(known: FloatArray, mask: NDArray[np.bool_]) -> _Sums:
    """0 or 1, samples that stand alone and weigh the same: everything follows from the numbers of gains and losses."""
    ones = np.where(mask, known, 0.0).astype(np.float32)
    both = ones @ ones.T
    if mask.all():
        have = np.repeat(ones.sum(axis=1)[:, None], len(ones), 1)
        number = np.full(len(ones) * (len(ones) - 1) // 2, float(mask.shape[1]))
    else:
        there = mask.astype(np.float32)
        have = ones @ there.T
        number = _upper(there @ there.T)
    more = have - both
    gains, losses = _upper(more), _upper(np.ascontiguousarray(more.T))
    net, differ = gains - losses, gains + losses
    return _central(number, net, differ, net, differ)


def _alone(known: FloatArray, mask: NDArray[np.bool_]) -> _Sums:
    """Any values, samples that stand alone and weigh the same."""
    there = mask.astype(float)
    # What all models find hard drops out of differences; so do its digits.
    middle = np.where(mask, known, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    number = _upper(there @ there.T)
    return _central(number, *_powers(np.where(mask, known - middle, 0.0), there))


def _powers(x: FloatArray, there: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Σ (x_i - x_j) to the first, ... fourth power, over the units that both have; x [m, G] is 0 where there is none."""
    two = x * x
    three, four = two * x, two * two
    ones = np.ones_like(x) if there is None else there

    def product(first: FloatArray, second: FloatArray) -> FloatArray:
        made: FloatArray = first @ second.T
        return made

    alone = [
        product(one, ones) if there is not None else np.repeat(one.sum(axis=1)[:, None], len(x), 1)
        for one in (x, two, three, four)
    ]
    cross, mixed = product(x, x), product(two, x)
    square, cubic = product(two, two), product(three, x)
    return (
        _upper(alone[0] - alone[0].T),
        _upper(alone[1] + alone[1].T - 2 * cross),
        _upper(alone[2] - alone[2].T - 3 * (mixed - mixed.T)),
        np.maximum(_upper(alone[3] + alone[3].T - 4 * (cubic + cubic.T) + 6 * square), 0.0),
    )


def _central(
    number: FloatArray, one: FloatArray, two: FloatArray, three: FloatArray, four: FloatArray
) -> _Sums:
    """From sums of powers of differences of samples that weigh the same."""
    n = np.maximum(number, 1.0)
    d = one / n
    square = d * d
    # Each residual over n √(1 - 1 / n); products, since powers take ten times as long.
    scale = 1 / (n * np.sqrt(1 - 1 / np.maximum(n, 1.5)))
    again = scale * scale
    second = two - n * square
    # What is left by rounding of differences that are all the same.
    second[second <= 1e-12 * two] = 0.0
    third = three - 3 * d * two + 2 * n * square * d
    fourth = np.maximum(four - 4 * d * three + 6 * square * two - 3 * n * square * square, 0.0)
    return _Sums(
        number,
        (d, two / n**2, four / n**4),
        d,
        (second * again, third * again * scale, fourth * again * again),
        1 / n,
    )


def _complete(known: FloatArray, weight: FloatArray, groups: NDArray[np.intp], count: int) -> _Sums:
    """Every model answered every sample; units differ in weight."""
    total = float(weight.sum())
    sums = np.zeros((count, len(known)))
    np.add.at(sums, groups, (weight * (known - known.mean(axis=0)) / total).T)
    share = np.bincount(groups, weight, minlength=count) / total
    means = sums.sum(axis=0)
    residuals = (sums - share[:, None] * means) / np.sqrt(np.maximum(1 - share, 1e-12))[:, None]
    one, two, _, four = _powers(sums.T, None)
    _, second, third, fourth = _powers(residuals.T, None)
    pairs_ = len(one)
    second = np.where(second <= 1e-12 * np.maximum(two, 1e-300), 0.0, np.maximum(second, 0.0))
    return _Sums(
        np.full(pairs_, float(count)),
        (one, np.maximum(two, 0.0), four),
        one,
        (second, third, fourth),
        np.full(pairs_, float(share.max(initial=0.0))),
    )


def _by_unit(
    known: FloatArray, mask: NDArray[np.bool_], weight: FloatArray, groups: NDArray[np.intp], count: int
) -> _Sums:
    """Samples are missing, and units differ in weight: added up unit by unit."""
    there = mask.astype(float)
    middle = np.where(mask, known, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    x = np.where(mask, known - middle, 0.0)
    whole = (there * weight) @ there.T
    safe = np.maximum(whole, 1e-300)
    have = (x * weight) @ there.T
    value = (have - have.T) / safe
    m = len(x)
    units, largest = np.zeros((m, m)), np.zeros((m, m))
    sums = [np.zeros((m, m)) for _ in range(6)]
    order = np.argsort(groups, kind="stable")
    edges = np.searchsorted(groups[order], np.arange(count + 1))
    for start, end in pairwise(edges.tolist()):
        at = order[start:end]
        part = (there[:, at] * weight[at]) @ there[:, at].T / safe
        has = (x[:, at] * weight[at]) @ there[:, at].T / safe
        own = has - has.T
        rest = (own - part * value) / np.sqrt(np.maximum(1 - part, 1e-12))
        units += part > 0
        np.maximum(largest, part, out=largest)
        square, again = own**2, rest**2
        for total, more in zip(sums, (own, square, square**2, again, again * rest, again**2), strict=True):
            total += more
    found = [_upper(one) for one in sums]
    second = np.where(found[3] <= 1e-12 * np.maximum(found[1], 1e-300), 0.0, found[3])
    return _Sums(
        _upper(units),
        (found[0], found[1], found[2]),
        _upper(value),
        (second, found[4], found[5]),
        _upper(largest),
    )


def _means(given: FloatArray, answered: NDArray[np.bool_], weights: ArrayLike | None) -> FloatArray:
    weight = np.ones(given.shape[1]) if weights is None else np.asarray(weights, float)
    total = answered @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        found: FloatArray = np.where(answered, given, 0.0) @ weight / total
    return np.where(total > 0, found, np.nan)


def _made(
    sums: _Sums,
    means: FloatArray,
    numbers: NDArray[np.intp],
    answers: _Answers,
    clusters: int | None,
    *,
    exact: bool,
) -> Apart:
    count = answers.count
    by_unit = np.bincount(answers.groups, answers.weight, minlength=count).astype(float)
    second, third, fourth = sums.central
    freedom = np.full(len(second), satterthwaite(by_unit) if count > 1 else 1.0)
    # Of a pair that shares fewer units, as many fewer.
    freedom = np.maximum(freedom * (sums.units - 1) / max(count - 1, 1), 1.0)
    if clusters is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = np.maximum(_CONCENTRATED * second**2 / fourth, _FEWEST_FREEDOM)
        freedom = np.where(fourth > 0, np.minimum(freedom, seen), freedom)
    fewest = FEWEST_CLUSTERS if exact or clusters is not None else FEWEST_FOR_MEANS
    fit = sums.units >= fewest
    if clusters is not None:
        fit &= sums.largest <= LARGEST_SHARE
    one, two, four = sums.raw
    with np.errstate(invalid="ignore", divide="ignore"):
        told = np.where(four > 0, two**2 / four, 0.0)
        net = np.where(two > 0, one / np.sqrt(two), 0.0)
    return Apart(
        len(means), means, numbers, np.where(sums.units > 0, sums.value, np.nan), second, third, freedom, two,
        np.minimum(told, sums.units), net, fit, exact, clusters, answers,
    )  # fmt: skip


def pairs_at(places: NDArray[np.intp], models: int) -> NDArray[np.intp]:
    """Where the pairs of models at these places, in rising order, stand among those of all."""
    if len(places) == models:
        return np.arange(models * (models - 1) // 2)
    first, second = np.triu_indices(len(places), 1)
    one, two = places[first], places[second]
    made: NDArray[np.intp] = one * models - one * (one + 1) // 2 + two - one - 1
    return made
