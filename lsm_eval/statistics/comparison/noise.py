"""Differences between runs of the same model (A against A)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.difference import Noise


@dataclass(frozen=True, slots=True)
class Calibration:
    """Several runs of one model on the same samples."""

    runs: int
    n: int
    """Number of samples that all runs have."""
    missing: int
    flips: float
    """Share of samples that differ between two runs, on average over all pairs of runs."""
    unstable: float
    """Share of samples that are not the same in all runs."""
    between: float
    """Variance of the runs' means."""
    expected: float
    """That variance if samples flipped independently."""
    noise: Noise
    """For `difference(noise=)`."""


def calibration(runs: ArrayLike) -> Calibration:
    """From values [runs, samples], NaN for missing.

    A comparison of two runs shows which samples flip: these are among the differing pairs, and so already in the variance.
    A single pair of runs cannot show a shift that all samples of a run share (another batch size, another kernel). That is
    the variance between the runs' means beyond that of independent flips (one-way random effects: Searle, Casella & McCulloch,
    Variance Components, 1992, chapter 3, never below 0), counted once for each of the two runs. Raises `UserError` for fewer than three runs, or if there
    is no sample that all runs have."""
    values = np.asarray(runs, float)
    if values.ndim != 2 or len(values) < 3:
        raise UserError("Give at least three runs of the same model: two do not show how runs vary.")
    known = ~np.isnan(values).any(axis=0)
    complete = values[:, known]
    if not complete.shape[1]:
        raise UserError("No sample has a value in all runs, so that they cannot be compared.")
    return _calibrated(complete, complete, complete.mean(axis=1), int((~known).sum()))


def calibration_of_sums(
    runs: FloatArray, aggregate: Callable[[FloatArray], FloatArray], missing: int = 0
) -> Calibration | str:
    """The same for a function of sums (BLEU, a perplexity, a rate in a subset), from statistics [runs, samples, k] without NaN; `aggregate`
    maps sums [..., k] to values. A sample's part in a run's value is its pseudo-value, n times the whole minus n - 1 times the value
    without it (Tukey 1958; Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11); for a mean it is the sample's own
    value. Returns the reason, in words, if the value is undefined; `missing` counts samples left out."""
    number = runs.shape[1]
    total = runs.sum(axis=1)
    with np.errstate(all="ignore"):
        values = np.asarray(aggregate(total), float)
        without = np.asarray(aggregate(total[:, None] - runs), float)
    if not np.isfinite(values).all() or not np.isfinite(without).all():
        return "its value is undefined in a run, or without one of its samples"
    # Relative to the value, so that rounding errors are not magnified.
    return _calibrated(runs, values[:, None] + (number - 1) * (values[:, None] - without), values, missing)


def _calibrated(rows: FloatArray, parts: FloatArray, values: FloatArray, missing: int) -> Calibration:
    """From the samples in each run [runs, samples, ...], their parts in its value [runs, samples] and the values [runs]."""
    count, number = parts.shape

    def unlike(one: FloatArray, other: FloatArray) -> FloatArray:
        found: FloatArray = (one != other).reshape(len(one), -1).any(axis=1)
        return found

    different = [float(unlike(rows[i], rows[j]).mean()) for i in range(count) for j in range(i + 1, count)]
    unstable = np.logical_or.reduce([unlike(rows[0], one) for one in rows[1:]])
    between = float(values.var(ddof=1))
    # Residuals after removing the effects of samples and of runs.
    means = parts.mean(axis=1)
    left = parts - parts.mean(axis=0) - means[:, None] + means.mean()
    freedom = (count - 1) * (number - 1)
    expected = float((left**2).sum()) / freedom / number if freedom else 0.0
    excess = max(0.0, between - expected)
    return Calibration(
        count,
        number,
        missing,
        float(np.mean(different)),
        float(unstable.mean()),
        between,
        expected,
        Noise(2 * excess, count - 1.0),
    )
