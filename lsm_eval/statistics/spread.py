"""The range of several group means: debiased, tested, and with an interval.

The largest of several means minus the smallest is above 0 even if all groups are alike, because it picks the extremes of the noise.
This bias is simulated: normal noise with the means' standard errors is added to known means (equal ones for the test; else the
observed means, shrunk towards their common mean by a multiple of their standard errors, so that distances that may be noise
become 0), and the increase of the range, N = R(θ + noise) - R(θ), is subtracted.

- The *value* is the observed range minus the mean of N, at least 0.
- The *test* is how often noise alone has a range as large (the studentised range test, for means with unequal errors; Tukey 1953).
- The *lower end* is the smallest true range that gives a range as large as the observed one in 2.5 % of draws (for an interval of
  95 %), and 0 unless the test rejects. Among all means within r of each other, such a range is most frequent if the means are at the two
  ends: the probability that a range stays below c is log-concave in the means (Prékopa, Acta Sci. Math. 34:335-343, 1973), and so smallest at a
  corner. With equal errors this is half of the groups at either end. With unequal errors the groups are put alternately at the two ends, from
  the smallest error to the largest; in simulations with errors up to ten times as large as others, it missed in 0 to 3.8 %.
- The *upper end* is the largest upper end of a difference between two groups: one of these pairs is the one that is truly furthest
  apart, so that it covers at least as often as the interval of a single difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.bounded import normal_quantile

FloatArray = NDArray[np.float64]

DRAWS = 4000
_DRAWN_IN = 1.5
"""As in `statistics.calibrated`."""
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Spread:
    """Estimates of max - min of the true means."""

    plug_in: float
    value: float
    """Debiased."""
    low: float
    high: float
    p: float
    """The p-value of the test that all means are equal."""


def spread(means: FloatArray, errors: FloatArray, *, seed: int, level: float) -> Spread:
    """The spread of independent means [G] with standard errors [G], G at least 2; errors from few samples should be multiplied by t/z."""
    found = float(np.ptp(means))
    noise = np.random.default_rng(seed).standard_normal((DRAWS, len(means))) * errors
    tail = (1 - level) / 2
    p = (1 + float((np.ptp(noise, axis=1) >= found - 1e-12).sum())) / (DRAWS + 1)
    precision = 1 / np.square(np.maximum(errors, 1e-12))
    apart = means - float((precision * means).sum() / precision.sum())

    left = np.sign(apart) * np.maximum(np.abs(apart) - _DRAWN_IN * errors, 0)
    value = max(0.0, found - float((np.ptp(left + noise, axis=1) - np.ptp(left)).mean()))
    low = 0.0 if p > tail else _least(found, noise[:, np.argsort(errors, kind="stable")], tail)
    pairs = means[:, None] - means + normal_quantile(level) * np.hypot(errors[:, None], errors)
    np.fill_diagonal(pairs, -np.inf)
    return Spread(found, value, min(low, value), max(float(pairs.max()), value), p)


def _least(found: float, noise: FloatArray, tail: float) -> float:
    """The smallest distance between two halves of the groups that gives a range of `found` or more in a share `tail` of draws; noise is
    [draws, G], with the groups in the order of their errors."""
    upper, lower = noise[:, ::2], noise[:, 1::2]
    most, least = (upper.max(axis=1), lower.max(axis=1)), (upper.min(axis=1), lower.min(axis=1))
    low, high = 0.0, found
    for _ in range(_HALVINGS):
        apart = (low + high) / 2
        ranges = np.maximum(most[0] + apart, most[1]) - np.minimum(least[0] + apart, least[1])
        if float((ranges >= found).mean()) < tail:
            low = apart
        else:
            high = apart
    return low
