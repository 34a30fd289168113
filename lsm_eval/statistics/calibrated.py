"""Calibration error over bins: debiased, tested, and with an interval.

The plug-in estimate P = Σ_b w_b |g_b|, with g_b the gap between accuracy and mean confidence in a bin with share w_b of the samples, is
biased upwards, because noise of either sign adds to it (Kumar, Liang & Ma, NeurIPS 2019; Roelofs et al., AISTATS 2022).
The bias is simulated: outcomes are drawn from a model with known gaps (0 for the calibrated null; else the observed gaps, each
shrunk towards 0 by a multiple of its standard error, so that gaps that may be noise become 0), and their deviations d_b add

    N = Σ_b w_b (|s_b + d_b| - |s_b|),   with s_b the shrunken gaps.

- The *value* is P minus the mean of N, at least 0 (the bias correction of a parametric bootstrap, as in Kumar et al., but
  from shrunken gaps: with the observed gaps, half of the bias would remain for a calibrated model). It is at least
  the debiased mean gap over all bins, because Σ w |μ| ≥ |Σ w μ|.
- The *test* is that of Vaicenavicius et al. (AISTATS 2019, "consistency resampling"; Widmann et al., NeurIPS 2019):
  how often outcomes drawn from the confidences themselves give a figure as large as P.
- The *lower end* is P minus the upper quantile of N. With all s_b = 0 it is valid for any gaps, because
  |g| ≤ |μ| + |d| for the true gap μ. It is 0 unless the test rejects.
- The *upper end* is the largest error that would give a value as low as P as often as the level allows. For a given error
  the lowest values occur if it is spread over the bins in proportion to their noise, μ_b = c σ_b (the mean of |μ + σZ| is
  convex in μ, so that this minimises Σ w E|μ + σZ| for a given Σ w |μ|); c is found by bisection.

With clusters every deviation is multiplied by the root of the design effect of the mean gap (`statistics.bounded`, never below 1), and
by t/z for few clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.basis import Basis
from lsm_eval.statistics.bounded import (
    normal_quantile,
    robust_mean,
    score_interval,
    t_quantile,
    why_no_interval,
)

FloatArray = NDArray[np.float64]

DRAWS = 2000
_DRAWN_IN = 1.5
"""Standard errors by which gaps are shrunk for the value; our choice, by simulation."""
_DRAWN_IN_BELOW = 2.0
"""The same for the lower end, where being wrong costs more."""
_BISECTIONS = 30


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Estimates of Σ w |μ|, all from 0 to 1."""

    plug_in: float
    value: float
    """Debiased."""
    low: float
    high: float
    p: float
    """Of the test that the error is 0."""


def plug_in(bins: FloatArray) -> float:
    """Σ |right - confidence| / n over bins (count, sum of confidences, sum right), shape [B, 3]."""
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())


def calibration_error(
    bins: FloatArray,
    *,
    stretch: float,
    trials: float,
    seed: int,
    level: float,
    squares: FloatArray | None = None,
) -> CalibrationError:
    """From bins (count, sum of confidences, sum right), shape [B, 3]. `stretch`: the factor on every deviation for clusters; 1 without
    clusters. `trials`: the effective number of samples if those of a cluster are all alike. `squares`: for weighted samples, the sums
    of squared weights [B]; a bin then counts as (Σw)² / Σw² samples (Kish, Survey Sampling, 1965)."""
    filled = bins[:, 0] > 0
    squares = bins[filled, 0] if squares is None else squares[filled]
    bins = bins[filled]
    mass, whole = bins[:, 0], float(bins[:, 0].sum())
    weight, confidence, accuracy = mass / whole, bins[:, 1] / mass, bins[:, 2] / mass
    count, total = mass**2 / squares, whole**2 / float(squares.sum())
    gap = accuracy - confidence
    found = float((weight * np.abs(gap)).sum())
    rng = np.random.default_rng(seed)

    null = _deviations(rng, count, confidence, stretch)
    figures = (weight * np.abs(null)).sum(axis=1)
    tail = (1 - level) / 2
    p = (1 + float((figures >= found - 1e-12).sum())) / (DRAWS + 1)

    # A rate between confidence and accuracy, so that a bin of one sample has a spread.
    rate = np.clip((bins[:, 2] * (count / mass) + 2 * confidence) / (count + 2), 0, 1)
    noise = stretch * np.sqrt(rate * (1 - rate) / count)
    seen = _deviations(rng, count, rate, stretch)
    # Which samples fall into which bin is random, too.
    between = float((weight * np.square(np.abs(gap) - found)).sum()) / total
    crossing = stretch * math.sqrt(between) * rng.standard_normal(DRAWS)

    def added(drawn_in: float) -> FloatArray:
        left = np.maximum(np.abs(gap) - drawn_in * noise, 0)
        more: FloatArray = (weight * (np.abs(left + np.sign(gap) * seen) - left)).sum(axis=1)
        # Only real gaps are affected by this: in proportion to what is left of them.
        return more + crossing * (float((weight * left).sum()) / found if found else 0.0)

    # Gaps that all have one sign show in the mean gap sooner than in any bin.
    overall = float((weight * gap).sum())
    spread = math.sqrt(float(np.square(weight * noise).sum()))
    value = max(0.0, found - float(added(_DRAWN_IN).mean()), abs(overall) - _folded(overall, spread))
    low = 0.0 if p > tail else max(0.0, found - float(np.quantile(added(_DRAWN_IN_BELOW), 1 - tail)))

    high = _upper(found, weight * noise, rng, tail)
    # Never nearer to 0, or to the value, than the interval of the mean gap allows.
    least = normal_quantile(level) * float(np.sqrt(np.square(weight * noise).sum() + stretch**2 * between))
    # Nor than with no error in `trials` trials: answers that are confident and right show no noise.
    least = max(least, score_interval(0.0, trials, normal_quantile(level))[1])
    high = min(1.0, max(high, value + least / 2, least))
    return CalibrationError(found, value, min(low, value), high, p)


def _folded(gap: float, noise: float) -> float:
    """The mean that normal noise adds to the absolute value of a shrunken gap."""
    if noise <= 0:
        return 0.0
    left = max(abs(gap) / noise - _DRAWN_IN, 0.0)
    normal = NormalDist()
    return noise * 2 * (normal.pdf(left) - left * normal.cdf(-left))


def stretch_of(gaps: FloatArray, base: Basis, weights: FloatArray | None = None) -> float | str:
    """The factor by which clusters increase the deviations of samples' gaps [n] (right minus confidence, times the weight [n] of
    weighted samples): 1 without clusters. Returns the reason for no interval, in words, if clusters are too few or too unequal."""
    number = np.ones(len(gaps)) if weights is None else weights
    rows = np.column_stack([gaps, number])
    sums = np.zeros((base.count, 2))
    np.add.at(sums, base.groups, rows)
    if why := why_no_interval(sums[:, 1], clustered=base.clusters is not None):
        return why
    if base.clusters is None:
        return 1.0
    robust, alone = robust_mean(sums), robust_mean(rows).stderr
    design = max(1.0, robust.stderr / alone) if alone else 1.0
    return design * t_quantile(robust.freedom, base.level) / normal_quantile(base.level)


def _deviations(rng: np.random.Generator, count: FloatArray, rate: FloatArray, stretch: float) -> FloatArray:
    """Simulated deviations of the accuracies of bins with these rates, [draws, B]."""
    whole = np.maximum(np.rint(count), 1).astype(np.int64)
    drawn: FloatArray = rng.binomial(whole, rate, (DRAWS, len(count))) / whole
    return stretch * (drawn - rate)


def _upper(found: float, scale: FloatArray, rng: np.random.Generator, tail: float) -> float:
    """The largest c · Σ scale for which the lower quantile of Σ scale |Z + c| is at most `found`; 0 if there is none."""
    normal = rng.standard_normal((DRAWS, len(scale)))
    span = float(scale.sum())
    if span <= 0:
        return found

    def quantile(c: float) -> float:
        return float(np.quantile((scale * np.abs(normal + c)).sum(axis=1), tail))

    low, high = 0.0, found / span + 10
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle) <= found else (low, middle)
    return low * span
