"""Ranks as intervals that hold all at once, made anew from the differences of all pairs of models. Shares no code with the package.

Two models are compared over what both answered, unit by unit: a unit is a sample, or a cluster of them. Its part in the difference is D, its
residual r is what is left of D without the mean difference, over √(1 - its share of the weight) (CR2, Bell & McCaffrey 2002). How small a p must
be for all pairs at once is read from draws of what the differences would be by chance alone: the package fits a number of independent comparisons
to 4,000 draws of the units, this takes the quantile of draws of its own, and a p that lies within `SLACK` of it may be on either side.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Numbers = NDArray[np.float64]
Pair = tuple[int, int]
Told = frozenset[Pair]
"""Pairs of places, the better one first."""
SLACK = 1.25
"""So many times as large, or as small, may the p be that tells a pair apart: three standard errors of the package's draws."""
DRAWS = 20_000
FEWEST = {True: 5, False: 10}
"""Units that two models must share: of 0 or 1, or clusters; of other numbers."""


@dataclass(frozen=True)
class Apart:
    """Of two models the first less the second."""

    value: float
    variance: float
    third: float
    """Σ r³."""
    freedom: float
    size: float
    """Σ D²."""
    tail: float
    """Σ D⁴."""
    units: float
    fit: bool

    def times(self, factor: float) -> Apart:
        """In another unit."""
        two, three, four = (
            abs(factor) ** power * (1 if power % 2 == 0 or factor > 0 else -1) for power in (2, 3, 4)
        )
        return Apart(
            factor * self.value, two * self.variance, three * self.third, self.freedom, two * self.size,
            four * self.tail, self.units, self.fit,
        )  # fmt: skip


@dataclass(frozen=True)
class Column:
    """All pairs of m models."""

    means: Numbers
    """[m], of what each answered."""
    pairs: Mapping[Pair, Apart]
    chance: Numbers
    """[m, m]: covariances of the means by chance alone."""
    exact: bool = False
    """Of 0 or 1 that stand alone."""


def compared(values: Numbers, units: Sequence[Hashable], weights: Numbers) -> Column:
    """Of scores [m, n], NaN where there is none."""
    there = ~np.isnan(values)
    held = there.sum(axis=0) > 1
    mean = np.array(
        [np.average(own[has], weights=weights[has]) for own, has in zip(values, there, strict=True)]
    )
    x, has, weight = values[:, held], there[:, held], weights[held]
    _, group = np.unique(
        [str(unit) for unit, keep in zip(units, held, strict=True) if keep], return_inverse=True
    )
    alone = len(set(group.tolist())) == len(group)
    exact = bool(alone and (weight == weight[:1]).all() and np.isin(x[has], (0, 1)).all())
    whole = freedom_of(np.asarray(np.bincount(group, weight), float))
    pairs = {
        (one, two): _apart(x[one] - x[two], weight, group, whole, exact=exact, alone=alone)
        for one, two in combinations(range(len(x)), 2)
    }
    return Column(mean, pairs, _chance(x, has, weight, group), exact)


def freedom_of(weight: Numbers) -> tuple[float, int]:
    """Satterthwaite's degrees of freedom of CR2's variance of a mean of units of these weights, and their number."""
    if len(weight) < 2:
        return 1.0, len(weight)
    share = weight / weight.sum()
    pull = share**2 / (1 - share)
    off = pull.sum() ** 2 - (pull**2).sum()
    return float(1 / ((share**2).sum() + off)), len(weight)


def _apart(
    apart: Numbers,
    weight: Numbers,
    group: NDArray[np.intp],
    whole: tuple[float, int],
    *,
    exact: bool,
    alone: bool,
) -> Apart:
    both = ~np.isnan(apart)
    if not both.any():
        return Apart(math.nan, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, False)
    total = weight[both].sum()
    part = np.bincount(group[both], weight[both]) / total
    own = (np.bincount(group[both], weight[both] * apart[both]) / total)[part > 0]
    part = part[part > 0]
    value, count = float(own.sum()), len(own)
    rest = (own - part * value) / np.sqrt(np.maximum(1 - part, 1e-12))
    size, variance = float((own**2).sum()), float((rest**2).sum())
    variance = 0.0 if variance <= 1e-12 * size else variance
    fourth = float((rest**4).sum())
    freedom = max(whole[0] * (count - 1) / max(whole[1] - 1, 1), 1.0)
    if not alone and fourth > 0:
        freedom = min(freedom, max(2 * variance**2 / fourth, 6.0))
    fit = count >= FEWEST[exact or not alone] and (alone or part.max() <= 0.5)
    return Apart(
        value, variance, float((rest**3).sum()), freedom, size, float((own**4).sum()), float(count), bool(fit)
    )


def _chance(x: Numbers, has: NDArray[np.bool_], weight: Numbers, group: NDArray[np.intp]) -> Numbers:
    """Each unit's residual of each model's own mean: their products are the covariances."""
    rows = []
    for own, there in zip(x, has, strict=True):
        share = weight * there / max(float(weight[there].sum()), 1e-300)
        filled = np.where(there, own, 0.0)
        rows.append(np.bincount(group, share * (filled - (share * filled).sum() * there)))
    made = np.array(rows, float)
    return np.asarray(made @ made.T, float)


def averaged(columns: Sequence[Column], factors: Sequence[float]) -> Column:
    """The mean of several tasks, each a stratum: differences and variances add up, with Welch's degrees of freedom."""
    share = [factor / len(columns) for factor in factors]
    parts = list(zip(columns, share, strict=True))
    return Column(
        np.sum([factor * column.means for column, factor in parts], axis=0),
        {pair: _sum([column.pairs[pair].times(factor) for column, factor in parts]) for pair in columns[0].pairs},
        np.sum([factor**2 * column.chance for column, factor in parts], axis=0),
    )  # fmt: skip


def _sum(parts: Sequence[Apart]) -> Apart:
    variance, welch = sum(one.variance for one in parts), sum(one.variance**2 / one.freedom for one in parts)
    return Apart(
        sum(one.value for one in parts), variance, sum(one.third for one in parts),
        variance**2 / welch if welch > 0 else 1.0, sum(one.size for one in parts),
        sum(one.tail for one in parts), math.inf, all(one.fit for one in parts),
    )  # fmt: skip


def among(column: Column, places: Sequence[int]) -> Column:
    """Of these models alone, in rising order."""
    kept = list(places)
    return Column(
        column.means[kept],
        {(a, b): column.pairs[kept[a], kept[b]] for a, b in combinations(range(len(kept)), 2)},
        column.chance[np.ix_(kept, kept)],
        column.exact,
    )


def p_of(one: Apart, *, exact: bool) -> float:
    """Two-sided, of no difference: what says least of the normal tail of McNemar's statistic (of 0 or 1) or Student's t, before or after
    Hall's transformation, and as many fair coins as there are units that tell something."""
    if one.size == 0:
        return 1.0
    net = abs(one.value) / math.sqrt(one.size)
    if exact:
        tail = float(stats.norm.sf(net))
    elif one.variance == 0:
        tail = 0.0
    else:
        error = math.sqrt(one.variance)
        t, skew = abs(one.value) / error, math.copysign(one.third, one.third * one.value) / error**3
        hall = t if abs(skew) < 1e-9 else ((1 + skew * t / 3) ** 3 - 1) / skew + skew / 6
        tail = float(stats.t.sf(min(t, hall), one.freedom))
    told = min(one.size**2 / one.tail, one.units)
    if told < 200:
        tail = max(tail, coins(told, net))
    return min(1.0, 2 * tail)


def coins(number: float, net: float) -> float:
    """Mid-p of so many fair coins, which need be no whole number, that √number · net more fell one way (Lancaster 1961)."""
    lost = max(round((number - math.sqrt(number) * net) / 2, 9), 0.0)
    won = number - lost
    more = float(stats.beta.cdf(0.5, won + 1, lost)) if lost > 0 else 0.0
    return (more + (float(stats.beta.cdf(0.5, won, lost + 1)) if won > 0 else 1.0)) / 2


@lru_cache(maxsize=8)
def _normal(models: int) -> Numbers:
    return np.random.default_rng(20_261_130).standard_normal((models, DRAWS))


def needed(column: Column, left: Sequence[Pair], miss: float = 0.05) -> float:
    """The p below which one pair of those that are left falls by chance alone with this probability."""
    sizes, turns = np.linalg.eigh(column.chance)
    noise = (turns * np.sqrt(np.maximum(sizes, 0.0))) @ _normal(len(sizes))
    own = np.diag(column.chance)
    largest = np.zeros(DRAWS)
    for one, two in left:
        variance = own[one] + own[two] - 2 * column.chance[one, two]
        if variance > 1e-12 * own.max():
            np.maximum(largest, np.abs(noise[one] - noise[two]) / math.sqrt(variance), out=largest)
    found = 2 * float(stats.norm.sf(np.quantile(largest, 1 - miss)))
    return min(max(found, -math.expm1(math.log(1 - miss) / len(left))), miss)


def _steps(column: Column, p: Mapping[Pair, float], slack: float) -> set[Pair]:
    """Pairs that are told apart, step by step (Romano & Wolf 2005): those told leave, and the level is made anew."""
    told: set[Pair] = set()
    most = 0.0
    while left := [pair for pair, one in column.pairs.items() if one.fit and pair not in told]:
        most = max(most, slack * needed(column, left))
        more = {pair for pair in left if p[pair] <= most}
        if not more:
            break
        told |= more
    return told


def told_apart(column: Column, *, higher: bool, miss: float = 0.05) -> list[Told]:
    """All that may be shown, the better one first: one set, or one for each way that the pairs may fall whose p is about what is needed.

    With another `miss` the level is that of one step (the package has it for conclusions that need another comparison beside this one).
    """
    p = {pair: p_of(one, exact=column.exact) for pair, one in column.pairs.items()}
    surely, perhaps = (_steps(column, p, slack) for slack in (1 / SLACK, SLACK))
    if miss != 0.05:
        every = [pair for pair, one in column.pairs.items() if one.fit]
        level = needed(column, every, miss) if every else 0.0
        surely = {pair for pair in surely if p[pair] <= level / SLACK}
        perhaps = {pair for pair in perhaps if p[pair] <= level * SLACK}
    found = []
    for some in _subsets(sorted(perhaps - surely)):
        pairs = {*surely, *some}
        found.append(
            frozenset(pair if (column.pairs[pair].value > 0) is higher else pair[::-1] for pair in pairs)
        )
    return found


def _subsets(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    assert len(pairs) <= 8, f"{len(pairs)} pairs are about as far apart as is needed"
    for count in range(len(pairs) + 1):
        yield from combinations(pairs, count)


@dataclass(frozen=True)
class Ranks:
    """By the models' places."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    told: int
    """Neighbours that are told apart."""
    pairs: int


def ranks_of(column: Column, told: Told, *, higher: bool) -> Ranks:
    """Best rank: 1 + those shown to be better. Worst: all but those shown to be worse."""
    count = len(column.means)
    better, worse = ([sum(pair[side] == at for pair in told) for at in range(count)] for side in (1, 0))
    sign = -1 if higher else 1
    order = sorted(range(count), key=lambda at: (sign * column.means[at], at))
    neighbours = sum((one, two) in told for one, two in pairwise(order))
    return Ranks(tuple(1 + one for one in better), tuple(count - one for one in worse), neighbours, count - 1)
