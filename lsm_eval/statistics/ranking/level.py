"""The p-value that the difference between two models needs when all pairs are tested at once.

Every pair is tested as two runs are (`statistics.comparison.score`), one-sided, and p is twice that. For values 0 or 1 without clusters it is
the larger of McNemar's mid-p and the normal tail of his statistic; for other values the larger p of Student's t with the CR2
standard error before and after Hall's transformation for skewness. In either case p is at least the mid-p of as many fair
coins as there are differing units (`PairwiseDifferences.effective_units`).

The level for all pairs together is Šidák's (Journal of the American Statistical Association 62:626-633, 1967) for an *effective number of
comparisons*: comparisons that share a model, or whose models answer alike, are correlated and count as fewer independent ones. The
number is estimated by the multiplier bootstrap (Chernozhukov, Chetverikov & Kato, Annals of Statistics 41:2786-2819, 2013): each unit's
residuals times a standard normal number simulate the differences under the null hypothesis. With M independent tests, -log(1 - p) of the smallest
p is exponential with rate M; the rate is fitted to the smallest of these p, where the level lies. With more than `MANY` pairs each
counts as one comparison: the numbers then differ by so little (2 % of a critical value at 500 models, 3 % at 100) that simulation is
not worth its time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.ranking.pairwise import PairwiseDifferences

_LOOK = 0.06
"""One-sided p-values above this are not computed: they separate no models."""
_EXACT = 200.0
"""With more differing pairs than this, McNemar's normal tail is never the smaller one."""
DRAWS = 4000
"""The largest number; fewer for many pairs."""
_WORK = 10_000_000
_ROWS = 1 << 21
_TAIL = 0.06
"""Share of the draws, those with the smallest p, to which the number of comparisons is fitted."""


def p_values(found: PairwiseDifferences) -> FloatArray:
    """Two-sided p of no difference, for each pair; 1 if it is far from small or the pair cannot be tested."""
    size = np.abs(found.z)
    from scipy.special import ndtr, stdtr

    p = np.ones(len(size))
    at = np.flatnonzero(found.comparable & (ndtr(-size) < _LOOK))
    if found.exact:
        tail = ndtr(-size[at])
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.sqrt(found.variance[at])
            t = np.where(deviation > 0, np.abs(found.value[at]) / deviation, np.inf)
            skew = np.where(deviation > 0, found.third[at] / deviation**3, 0.0) * np.sign(found.value[at])
        tail = stdtr(found.freedom[at], -np.minimum(t, unskewed(t, skew)))
    few = np.flatnonzero(found.effective_units[at] < _EXACT)
    tail[few] = np.maximum(tail[few], fair_coin_mid_p(found.effective_units[at][few], size[at][few]))
    p[at] = np.minimum(1.0, 2 * tail)
    return p


def unskewed(t: FloatArray, skew: FloatArray) -> FloatArray:
    """Hall's transformation of t statistics (Journal of the Royal Statistical Society B 54:221-228, 1992)."""
    some = np.where(np.abs(skew) < 1e-9, 1.0, skew)
    with np.errstate(over="ignore", invalid="ignore"):
        made = ((1 + some * t / 3) ** 3 - 1) / some + some / 6
    return np.where((np.abs(skew) < 1e-9) | np.isinf(t), t, made)


def fair_coin_mid_p(number: FloatArray, net: FloatArray) -> FloatArray:
    """One-sided mid-p of `number` fair coins of which √number · z more fell one way than the other (`comparison.score.mid_p`)."""
    from scipy.special import betainc

    # Whole numbers must stay whole: a beta function is sensitive to an exponent near 0.
    lost = np.maximum(np.round((number - np.sqrt(number) * net) / 2, 9), 0.0)
    won = number - lost
    with np.errstate(invalid="ignore"):
        more = np.where(lost > 0, betainc(won + 1, np.maximum(lost, 1e-300), 0.5), 0.0)
        as_many = np.where(won > 0, betainc(np.maximum(won, 1e-300), lost + 1, 0.5), 1.0)
    made: FloatArray = np.where(number > 0, (more + as_many) / 2, 0.5)
    return made


@dataclass(frozen=True, slots=True)
class NullDraws:
    """Simulated differences between m models under the null hypothesis."""

    noise: NDArray[np.float32]
    """For each model and draw [m, B]."""
    errors: FloatArray
    """Standard errors of the differences, over pairs; 0 if two models answer alike."""
    unit: float = 1.0
    """The value of 1 in the metric's unit, for both arrays."""

    def of(self, places: NDArray[np.intp], at: NDArray[np.intp]) -> NullDraws:
        """For the models at these places only; `at`: their `pairwise.pair_indices`."""
        return NullDraws(self.noise[places], self.errors[at], self.unit)

    def largest(self, kept: NDArray[np.intp]) -> FloatArray:
        """For each draw, the largest studentised difference among the `kept` pairs (indices into all pairs)."""
        first, second = (one[kept].astype(np.int32) for one in np.triu_indices(len(self.noise), 1))
        with np.errstate(divide="ignore"):
            scale = np.where(self.errors[kept] > 0, 1 / self.errors[kept], 0.0).astype(np.float32)
        largest = np.zeros(self.noise.shape[1], np.float32)
        rows = max(1, _ROWS // self.noise.shape[1])
        for start in range(0, len(kept), rows):
            at = slice(start, start + rows)
            difference = self.noise[first[at]]
            difference -= self.noise[second[at]]
            difference *= scale[at, None]
            np.maximum(largest, difference.max(axis=0), out=largest)
            np.maximum(largest, -difference.min(axis=0), out=largest)
        return largest.astype(float)

    def effective(self, kept: NDArray[np.intp]) -> float:
        """How many independent comparisons the kept pairs count as."""
        return effective_comparisons(self.largest(kept), len(kept))


def null_draws(residuals: FloatArray, seed: int = 0, draws: int | None = None) -> NullDraws:
    """Null draws by the multiplier bootstrap, from the units' residuals [G, m]."""
    models = residuals.shape[1]
    pairs = models * (models - 1) // 2
    number = draws or int(min(DRAWS, _WORK // max(pairs, 1)))
    multipliers = np.random.default_rng(seed).standard_normal((len(residuals), number), dtype=np.float32)
    # Scaled to the range of single precision.
    size = float(np.abs(residuals).max(initial=0.0)) or 1.0
    noise: NDArray[np.float32] = (residuals.T / size).astype(np.float32) @ multipliers
    return NullDraws(noise, _errors(residuals / size), size)


def _errors(residuals: FloatArray) -> FloatArray:
    products = residuals.T @ residuals
    own = np.diag(products)
    first, second = np.triu_indices(len(own), 1)
    variance = own[first] + own[second] - 2 * products[first, second]
    made: FloatArray = np.sqrt(np.where(variance > 1e-12 * own.max(initial=0.0), variance, 0.0))
    return made


def effective_comparisons(largest: FloatArray, most: int) -> float:
    """The number of independent comparisons, 1 to `most`, whose largest studentised differences look like these [B]."""
    from scipy.special import ndtr

    p = np.minimum(2 * ndtr(-largest), 1 - 1e-12)
    waits = np.sort(-np.log1p(-p))
    tail = min(max(2, int(_TAIL * len(waits))), len(waits))
    whole = float(waits[:tail].sum() + (len(waits) - tail) * waits[tail - 1])
    # The unbiased estimate of an exponential rate from the smallest waiting times.
    return float(min(max((tail - 1) / max(whole, 1e-300), 1.0), max(most, 1)))


def sidak_level(level: float, number: float) -> float:
    """The p-value below which two models differ, given so many independent comparisons (Šidák)."""
    return -float(np.expm1(np.log(level) / max(number, 1.0)))
