"""How small the p of two models' difference must be, where all pairs are looked at at once.

Every pair is tested as two runs are (`statistics.comparison.score`), one-sided, and p is twice that: of 0 or 1 that stand alone McNemar's
mid-p or his statistic's normal tail, whichever says less; of other values Student's t with CR2's standard error, before or after Hall's
transformation for skewness, whichever says less. Of these, no p is smaller than as many fair coins would have it as there are units that differ
(`Apart.told`).

The level that holds for all pairs together is Šidák's (Journal of the American Statistical Association 62:626-633, 1967) for an *effective number of
comparisons*: comparisons of pairs that share a model, or of models that answer alike, hang together, and count as fewer independent ones. The number
is read from multipliers (Chernozhukov, Chetverikov & Kato, Annals of Statistics 41:2786-2819, 2013): each unit's residuals times a standard normal
number are what the differences would be without any. Of M independent tests, -log(1 - p) of the smallest p is exponential with rate M, and
the rate is fitted to the smallest of these p, where the level lies. Of more than `MANY` pairs each counts for itself: the numbers then
differ by so little (2 % of a critical value at 500 models, 3 % at 100) that drawing is not worth its time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.ranking.apart import Apart

_LOOK = 0.06
"""One-sided p above this are not computed: they tell no two models apart."""
_EXACT = 200.0
"""Of more pairs that differ, McNemar's normal tail is never the smaller one."""
DRAWS = 4000
"""The most; of many pairs fewer."""
_WORK = 10_000_000
_ROWS = 1 << 21
_TAIL = 0.06
"""Of the draws, those with the smallest p: to these the number of comparisons is fitted."""


def p_values(found: Apart) -> FloatArray:
    """Two-sided p of no difference, for each pair; 1 where it is far from small, or the pair cannot be told apart."""
    size = np.abs(found.net)
    from scipy.special import ndtr, stdtr

    p = np.ones(len(size))
    at = np.flatnonzero(found.fit & (ndtr(-size) < _LOOK))
    if found.exact:
        tail = ndtr(-size[at])
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.sqrt(found.variance[at])
            t = np.where(deviation > 0, np.abs(found.value[at]) / deviation, np.inf)
            skew = np.where(deviation > 0, found.third[at] / deviation**3, 0.0) * np.sign(found.value[at])
        tail = stdtr(found.freedom[at], -np.minimum(t, unskewed(t, skew)))
    few = np.flatnonzero(found.told[at] < _EXACT)
    tail[few] = np.maximum(tail[few], coins(found.told[at][few], size[at][few]))
    p[at] = np.minimum(1.0, 2 * tail)
    return p


def unskewed(t: FloatArray, skew: FloatArray) -> FloatArray:
    """Hall's transformation of t statistics (Journal of the Royal Statistical Society B 54:221-228, 1992)."""
    some = np.where(np.abs(skew) < 1e-9, 1.0, skew)
    with np.errstate(over="ignore", invalid="ignore"):
        made = ((1 + some * t / 3) ** 3 - 1) / some + some / 6
    return np.where((np.abs(skew) < 1e-9) | np.isinf(t), t, made)


def coins(number: FloatArray, net: FloatArray) -> FloatArray:
    """One-sided mid-p of so many fair coins of which √number · net more fell one way than the other (`comparison.score.mid_p`)."""
    from scipy.special import betainc

    # Whole numbers must stay whole: the exponent of a beta near 0 is felt.
    lost = np.maximum(np.round((number - np.sqrt(number) * net) / 2, 9), 0.0)
    won = number - lost
    with np.errstate(invalid="ignore"):
        more = np.where(lost > 0, betainc(won + 1, np.maximum(lost, 1e-300), 0.5), 0.0)
        as_many = np.where(won > 0, betainc(np.maximum(won, 1e-300), lost + 1, 0.5), 1.0)
    made: FloatArray = np.where(number > 0, (more + as_many) / 2, 0.5)
    return made


@dataclass(frozen=True, slots=True)
class Chance:
    """What the differences of m models would be by chance alone."""

    noise: NDArray[np.float32]
    """Of each model and draw [m, B]."""
    errors: FloatArray
    """The standard errors of its differences, over pairs; 0 where two models answer alike."""
    unit: float = 1.0
    """What 1 of both is in the metric's unit."""

    def of(self, places: NDArray[np.intp], at: NDArray[np.intp]) -> Chance:
        """Of the models at these places alone; `at`: `apart.pairs_at` of them."""
        return Chance(self.noise[places], self.errors[at], self.unit)

    def largest(self, kept: NDArray[np.intp]) -> FloatArray:
        """Of each draw, the largest studentised difference of the pairs that are `kept` (places among all pairs)."""
        first, second = (one[kept].astype(np.int32) for one in np.triu_indices(len(self.noise), 1))
        with np.errstate(divide="ignore"):
            scale = np.where(self.errors[kept] > 0, 1 / self.errors[kept], 0.0).astype(np.float32)
        largest = np.zeros(self.noise.shape[1], np.float32)
        rows = max(1, _ROWS // self.noise.shape[1])
        for start in range(0, len(kept), rows):
            at = slice(start, start + rows)
            apart = self.noise[first[at]]
            apart -= self.noise[second[at]]
            apart *= scale[at, None]
            np.maximum(largest, apart.max(axis=0), out=largest)
            np.maximum(largest, -apart.min(axis=0), out=largest)
        return largest.astype(float)

    def effective(self, kept: NDArray[np.intp]) -> float:
        """How many independent comparisons the pairs that are kept count as."""
        return fitted(self.largest(kept), len(kept))


def chance(residuals: FloatArray, seed: int = 0, draws: int | None = None) -> Chance:
    """Drawn with multipliers for the units of residuals [G, m]."""
    models = residuals.shape[1]
    pairs = models * (models - 1) // 2
    number = draws or int(min(DRAWS, _WORK // max(pairs, 1)))
    multipliers = np.random.default_rng(seed).standard_normal((len(residuals), number), dtype=np.float32)
    # In units that single precision holds.
    size = float(np.abs(residuals).max(initial=0.0)) or 1.0
    noise: NDArray[np.float32] = (residuals.T / size).astype(np.float32) @ multipliers
    return Chance(noise, _errors(residuals / size), size)


def _errors(residuals: FloatArray) -> FloatArray:
    products = residuals.T @ residuals
    own = np.diag(products)
    first, second = np.triu_indices(len(own), 1)
    variance = own[first] + own[second] - 2 * products[first, second]
    made: FloatArray = np.sqrt(np.where(variance > 1e-12 * own.max(initial=0.0), variance, 0.0))
    return made


def fitted(largest: FloatArray, most: int) -> float:
    """How many independent comparisons these largest studentised differences [B] are of; from 1 to `most`."""
    from scipy.special import ndtr

    p = np.minimum(2 * ndtr(-largest), 1 - 1e-12)
    waits = np.sort(-np.log1p(-p))
    held = min(max(2, int(_TAIL * len(waits))), len(waits))
    whole = float(waits[:held].sum() + (len(waits) - held) * waits[held - 1])
    # One less than were waited for, without bias.
    return float(min(max((held - 1) / max(whole, 1e-300), 1.0), max(most, 1)))


def level_of_one(level: float, number: float) -> float:
    """The p below which two models differ, where so many independent comparisons are made (Šidák)."""
    return -float(np.expm1(np.log(level) / max(number, 1.0)))
