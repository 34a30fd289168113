"""The ends of intervals for values without a range: beyond Student's t, on the side of the longer tail.

Student's t interval of n skewed values misses on one side: if no value of the long tail was drawn, both the mean and its standard error
are too small. The expansion of the t statistic (Hall, J. R. Stat. Soc. B 54:221-228, 1992; Johnson, J. Am. Stat. Assoc. 73:536-544,
1978) moves the end on that side outwards by (1 + 2 q²) γ / 6 standard errors, with γ the skewness of the estimate. The other end, which
it would move inwards, is kept. But γ is estimated worst where it matters most. It is therefore the larger of two values:

- the observed skewness minus 1 / (2 n), which is due to chance, times `TIMES` (the skewness of few values is underestimated),
  at most `_MOST_SEEN`;
- for values of one sign, the skewness of a distribution in which it is three times the coefficient of variation cv, as for an inverse
  Gaussian (a log-normal's is larger, a gamma's is twice cv): 3 cv (1 + 3 / degrees of freedom) / √n, at most
  `_MOST_GUESSED`. Positive values near 0 imply a long tail even if it was not drawn. For values of both signs this fades with
  (|Σx| / Σ|x|)^`_FADES`, so that no interval jumps when one value changes its sign.

The constants are our own choice, by simulation (`benchmarks/coverage_numbers.py`).
"""

from __future__ import annotations

import math

import numpy as np

from lsm_eval.statistics.bounded import FloatArray, RobustMean, observed_freedom, skewness_of, t_quantile

FEWEST_NUMBERS = 10
"""Least number of samples, or of equal clusters: with fewer, no interval of a mean without a range was found to cover."""
FEWEST_UNLIKE = 3
"""Least number of samples, or clusters, that differ from the commonest value: fewer say nothing about the size of other deviations."""
TIMES = 3.0
_MOST_SEEN = 1.0
_CHANCE = 0.5
_GUESS = 3.0
_FEW = 3.0
_MOST_GUESSED = 1.5
_FADES = 8


def end_distances(
    sums: FloatArray, robust: RobustMean, level: float, times: float = TIMES
) -> tuple[float, float]:
    """Distances of the lower and the upper end, in standard errors, from a mean or ratio of the sums (value, weight) of G clusters
    [G, 2]. The observed skewness is multiplied by `times`."""
    value, weight = sums[:, 0], sums[:, 1]
    deviations = (value - robust.mean * weight) / np.sqrt(1 - weight / weight.sum())
    below, above = observed_skewness(deviations, times)
    size = float(np.abs(value).sum())
    if size > 0 and robust.mean != 0:
        guess = _GUESS * (1 + _FEW / robust.freedom) * robust.stderr / abs(robust.mean)
        guess = min(guess, _MOST_GUESSED) * (abs(float(value.sum())) / size) ** _FADES
        below, above = (below, max(above, guess)) if robust.mean > 0 else (max(below, guess), above)
    quantile = t_quantile(observed_freedom(sums, robust), level)
    return widened(quantile, below), widened(quantile, above)


def observed_skewness(deviations: FloatArray, times: float = TIMES) -> tuple[float, float]:
    """The skewness, downwards and upwards, to assume for a sum of independent terms with these deviations [G]; neither is negative."""
    skewness = skewness_of(deviations)
    sized = min(_MOST_SEEN, times * max(abs(skewness) - _CHANCE / len(deviations), 0.0))
    return (sized, 0.0) if skewness < 0 else (0.0, sized)


def widened(quantile: float, skewness: float) -> float:
    """The quantile, moved outwards for an estimate with this skewness to the same side."""
    return quantile + (1 + 2 * quantile**2) * skewness / 6


def too_few_numbers(sums: FloatArray, robust: RobustMean, what: str) -> str | None:
    """Why sums (value, weight) [G, 2] of values without a range allow no interval, in words; None if they do."""
    if len(sums) < FEWEST_NUMBERS:
        return f"only {len(sums)} {what} of numbers without a range"
    if (worth := robust.freedom + 1) < FEWEST_NUMBERS - 1e-6:
        return f"{len(sums)} {what} that count as {math.floor(worth + 1e-6)} equal ones, of numbers without a range"
    return too_alike(sums, what)


def too_alike(sums: FloatArray, what: str) -> str | None:
    """A reason, in words, if too few of the means of sums (value, weight) [G, 2] differ from the commonest; else None."""
    means = sums[:, 0] / sums[:, 1]
    _, counts = np.unique(np.round(means / max(np.abs(means).max(), 1e-300), 12), return_counts=True)
    unlike = len(means) - int(counts.max())
    return f"only {unlike} of {len(means)} {what} differ from the rest" if unlike < FEWEST_UNLIKE else None
