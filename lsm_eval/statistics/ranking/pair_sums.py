"""Sums over units for every pair of models, from which differences, their variances and their skewness follow.

Units are samples, or clusters of samples. For one pair of models with values x and y, a unit contributes D = Σ w (x - y) / W to the
difference, summed over the unit's samples, where W is the pair's total weight. Its residual is r = D - w d / W with d the whole difference,
divided by √(1 - w / W) as in CR2 (Bell & McCaffrey 2002, `statistics.bounded`). Sums of D and r to powers up to the fourth expand into sums of
products of the two models' powers, so that a few matrix products give them for all pairs. Only where units have unequal weights
and samples are missing are they accumulated unit by unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.bounded import FloatArray


@dataclass(slots=True)
class PairSums:
    """For each pair: shared units, Σ D to Σ D⁴, Σ r² to Σ r⁴, and the largest share that one unit has of the weight."""

    units: FloatArray
    raw: tuple[FloatArray, FloatArray, FloatArray]
    """Σ D, Σ D², Σ D⁴."""
    value: FloatArray
    central: tuple[FloatArray, FloatArray, FloatArray]
    largest: FloatArray


@lru_cache(maxsize=2)
def upper_triangle(models: int) -> NDArray[np.intp]:
    """Flat indices of the pairs in a row-major matrix [models, models]."""
    first, second = np.triu_indices(models, 1)
    made: NDArray[np.intp] = first * models + second
    return made


def _upper_triangle(matrix: NDArray[np.floating]) -> FloatArray:
    return np.asarray(matrix.ravel()[upper_triangle(len(matrix))], float)


def binary_sums(known: FloatArray, mask: NDArray[np.bool_]) -> PairSums:
    """For values 0 or 1 without clusters or weights: everything follows from the numbers of gains and losses."""
    ones = np.where(mask, known, 0.0).astype(np.float32)
    both = ones @ ones.T
    if mask.all():
        have = np.repeat(ones.sum(axis=1)[:, None], len(ones), 1)
        number = np.full(len(ones) * (len(ones) - 1) // 2, float(mask.shape[1]))
    else:
        there = mask.astype(np.float32)
        have = ones @ there.T
        number = _upper_triangle(there @ there.T)
    more = have - both
    gains, losses = _upper_triangle(more), _upper_triangle(np.ascontiguousarray(more.T))
    net, differ = gains - losses, gains + losses
    return _central_sums(number, net, differ, net, differ)


def unweighted_sums(known: FloatArray, mask: NDArray[np.bool_]) -> PairSums:
    """For any values, without clusters or weights."""
    there = mask.astype(float)
    # A sample's mean over models cancels in differences; subtracting it first preserves digits.
    middle = np.where(mask, known, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    number = _upper_triangle(there @ there.T)
    return _central_sums(number, *_power_sums(np.where(mask, known - middle, 0.0), there))


def _power_sums(
    x: FloatArray, there: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Σ (x_i - x_j)ᵏ for k = 1 to 4, over the units that both models have; x [m, G] is 0 where a model has none."""
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
        _upper_triangle(alone[0] - alone[0].T),
        _upper_triangle(alone[1] + alone[1].T - 2 * cross),
        _upper_triangle(alone[2] - alone[2].T - 3 * (mixed - mixed.T)),
        np.maximum(_upper_triangle(alone[3] + alone[3].T - 4 * (cubic + cubic.T) + 6 * square), 0.0),
    )


def _central_sums(
    number: FloatArray, one: FloatArray, two: FloatArray, three: FloatArray, four: FloatArray
) -> PairSums:
    """From sums of powers of the differences between equally weighted samples."""
    n = np.maximum(number, 1.0)
    d = one / n
    square = d * d
    # Each residual over n √(1 - 1 / n); products, since powers take ten times as long.
    scale = 1 / (n * np.sqrt(1 - 1 / np.maximum(n, 1.5)))
    again = scale * scale
    second = two - n * square
    # Rounding errors of differences that are all equal.
    second[second <= 1e-12 * two] = 0.0
    third = three - 3 * d * two + 2 * n * square * d
    fourth = np.maximum(four - 4 * d * three + 6 * square * two - 3 * n * square * square, 0.0)
    return PairSums(
        number,
        (d, two / n**2, four / n**4),
        d,
        (second * again, third * again * scale, fourth * again * again),
        1 / n,
    )


def complete_sums(known: FloatArray, weight: FloatArray, groups: NDArray[np.intp], count: int) -> PairSums:
    """For models that all answered every sample; units may have unequal weights."""
    total = float(weight.sum())
    sums = np.zeros((count, len(known)))
    np.add.at(sums, groups, (weight * (known - known.mean(axis=0)) / total).T)
    share = np.bincount(groups, weight, minlength=count) / total
    means = sums.sum(axis=0)
    residuals = (sums - share[:, None] * means) / np.sqrt(np.maximum(1 - share, 1e-12))[:, None]
    one, two, _, four = _power_sums(sums.T, None)
    _, second, third, fourth = _power_sums(residuals.T, None)
    pairs_ = len(one)
    second = np.where(second <= 1e-12 * np.maximum(two, 1e-300), 0.0, np.maximum(second, 0.0))
    return PairSums(
        np.full(pairs_, float(count)),
        (one, np.maximum(two, 0.0), four),
        one,
        (second, third, fourth),
        np.full(pairs_, float(share.max(initial=0.0))),
    )


def sums_by_unit(
    known: FloatArray, mask: NDArray[np.bool_], weight: FloatArray, groups: NDArray[np.intp], count: int
) -> PairSums:
    """For missing samples and units of unequal weight: accumulated unit by unit."""
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
    found = [_upper_triangle(one) for one in sums]
    second = np.where(found[3] <= 1e-12 * np.maximum(found[1], 1e-300), 0.0, found[3])
    return PairSums(
        _upper_triangle(units),
        (found[0], found[1], found[2]),
        _upper_triangle(value),
        (second, found[4], found[5]),
        _upper_triangle(largest),
    )
