"""How far the groups that are best and worst off lie apart: debiased, tested, and with an interval.

The largest of several means less the smallest is above 0 for groups that are all alike, because it picks the extremes of noise.
How much that adds is simulated: normal noise of the means' standard errors is put on means that are known (all alike for the
test; else the means seen, drawn in towards their common mean by so many standard errors that a distance which noise may have
made counts as 0), and what it adds to their range, N = R(θ + noise) - R(θ), is taken off.

- The *value* is the range seen minus the mean of N, never below 0.
- The *test* asks how often noise alone has a range as large (that of the studentised range, for means of unequal error; Tukey
  1953).
- The *lower end* is the smallest true range that would give a range as large as the one seen in 2.5 % of draws (of an interval of
  95 %), and 0 unless the test rejects. Which means give it oftenest, among all that lie within r of each other? Those at the two ends: the
  chance that a range stays below c is log-concave in the means (Prékopa, Acta Sci. Math. 34:335-343, 1973), and so smallest at a
  corner. With equal errors that is half of the groups at either end. With unequal ones the groups go to the ends by turns, from
  the smallest error to the largest; simulated with errors up to ten times as large as others, 0 to 3.8 % were missed below.
- The *upper end* is the largest upper end of a difference of two groups: one of these pairs is the one that is truly furthest
  apart, so that it covers at least as often as a single difference does.
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
    """What is known of max - min of the true means."""

    plug_in: float
    value: float
    """Debiased."""
    low: float
    high: float
    p: float
    """Of the test that all are alike."""


def spread(means: FloatArray, errors: FloatArray, *, seed: int, level: float) -> Spread:
    """Of independent means [G] with standard errors [G], G at least 2; the errors of few samples stretched by t/z."""
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
    """The smallest distance of two halves of the groups that makes a range of `found` or more in a share `tail` of draws; noise
    [draws, G], the groups in the order of their errors."""
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
