"""How far out the ends of an interval lie where values have no range: beyond Student's t, on the side of the longer tail.

Student's t of n skewed values misses the truth on one side: where the long tail was not drawn, the mean and its standard error are
both too small. The t-statistic's expansion (Hall, J. R. Stat. Soc. B 54:221-228, 1992; Johnson, J. Am. Stat. Assoc. 73:536-544,
1978) moves the end on that side outwards by (1 + 2 q²) γ / 6 standard errors, γ the skewness of the estimate. The other end, which
it would move inwards, stays. But γ is seen worst where it matters most. It is therefore taken to be the larger of two:

- what is seen, less the half of one over n that chance alone shows, `TIMES` over (the skewness of few values is seen too
  small), at most `_MOST_SEEN`;
- for values of one sign, that of a distribution whose skewness is three times its coefficient of variation cv, as an inverse
  Gaussian's is and a log-normal's more than is (a gamma's is twice): 3 cv (1 + 3 / degrees of freedom) / √n, at most
  `_MOST_GUESSED`. That a long tail follows from values near 0 is known before it is drawn. For values of both signs it fades with
  (|Σx| / Σ|x|)^`_FADES`, so that no interval jumps where one value changes its sign.

The constants were chosen by simulation (`benchmarks/coverage_numbers.py`), and are ours.
"""

from __future__ import annotations

import math

import numpy as np

from lsm_eval.statistics.bounded import FloatArray, Robust, freedom_seen, skewness_of, t_quantile

FEWEST_NUMBERS = 10
"""Samples, or clusters' worth of equal ones: with fewer, no interval of a mean without a range was found to cover."""
FEWEST_UNLIKE = 3
"""Samples, or clusters, that differ from the commonest value: the size of fewer tells nothing of the size of others."""
TIMES = 3.0
_MOST_SEEN = 1.0
_CHANCE = 0.5
_GUESS = 3.0
_FEW = 3.0
_MOST_GUESSED = 1.5
_FADES = 8


def reach(sums: FloatArray, robust: Robust, level: float, times: float = TIMES) -> tuple[float, float]:
    """How many standard errors the lower and the upper end lie from a mean, or a ratio, of sums (value, weight) of G clusters
    [G, 2]. What skewness is seen counts `times` over."""
    value, weight = sums[:, 0], sums[:, 1]
    deviations = (value - robust.mean * weight) / np.sqrt(1 - weight / weight.sum())
    below, above = seen(deviations, times)
    size = float(np.abs(value).sum())
    if size > 0 and robust.mean != 0:
        guess = _GUESS * (1 + _FEW / robust.freedom) * robust.stderr / abs(robust.mean)
        guess = min(guess, _MOST_GUESSED) * (abs(float(value.sum())) / size) ** _FADES
        below, above = (below, max(above, guess)) if robust.mean > 0 else (max(below, guess), above)
    quantile = t_quantile(freedom_seen(sums, robust), level)
    return outwards(quantile, below), outwards(quantile, above)


def seen(deviations: FloatArray, times: float = TIMES) -> tuple[float, float]:
    """How skewed a sum of independent terms with these deviations [G] is to be taken downwards and upwards, neither below 0."""
    skewness = skewness_of(deviations)
    sized = min(_MOST_SEEN, times * max(abs(skewness) - _CHANCE / len(deviations), 0.0))
    return (sized, 0.0) if skewness < 0 else (0.0, sized)


def outwards(quantile: float, skewness: float) -> float:
    """The quantile, moved outwards for an estimate that is so skewed to this side."""
    return quantile + (1 + 2 * quantile**2) * skewness / 6


def too_few_numbers(sums: FloatArray, robust: Robust, what: str) -> str | None:
    """Why sums (value, weight) [G, 2] of values without a range bear no interval, in words; None where they do."""
    if len(sums) < FEWEST_NUMBERS:
        return f"only {len(sums)} {what} of numbers without a range"
    if (worth := robust.freedom + 1) < FEWEST_NUMBERS - 1e-6:
        return f"{len(sums)} {what} that count as {math.floor(worth + 1e-6)} equal ones, of numbers without a range"
    return too_alike(sums, what)


def too_alike(sums: FloatArray, what: str) -> str | None:
    """Why too few of the means of sums (value, weight) [G, 2] differ from the commonest, in words; None where enough do."""
    means = sums[:, 0] / sums[:, 1]
    _, counts = np.unique(np.round(means / max(np.abs(means).max(), 1e-300), 12), return_counts=True)
    unlike = len(means) - int(counts.max())
    return f"only {unlike} of {len(means)} {what} differ from the rest" if unlike < FEWEST_UNLIKE else None
