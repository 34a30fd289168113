"""What runs of one and the same model differ by (A against A)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.difference import Noise


@dataclass(frozen=True, slots=True)
class Calibration:
    """Several runs of one model on the same samples."""

    runs: int
    n: int
    """Samples that all runs have."""
    missing: int
    flips: float
    """Share of samples that differ between two runs, on average over all pairs of runs."""
    unstable: float
    """Share of samples that are not the same in all runs."""
    between: float
    """Variance of the runs' means."""
    expected: float
    """What that variance would be, did each sample flip by itself."""
    noise: Noise
    """For `difference(noise=)`."""


def calibration(runs: ArrayLike) -> Calibration:
    """From values [runs, samples], NaN for missing.

    Two runs that are compared show the samples that flip: their own flips are among the pairs that differ, and so in the variance
    already. What no single pair of runs shows is a shift that all samples of a run share (another batch size, another kernel):
    the variance between the runs' means beyond that of independent flips (one-way random effects: Searle, Casella & McCulloch,
    Variance Components, 1992, chapter 3, never below 0), once for each of the two runs. Raises `UserError` for fewer than three runs or no
    sample that all runs have."""
    values = np.asarray(runs, float)
    if values.ndim != 2 or len(values) < 3:
        raise UserError("Give three runs of the same model or more: two do not tell how runs differ.")
    known = ~np.isnan(values).any(axis=0)
    held = values[:, known]
    count, number = held.shape
    if not number:
        raise UserError("No sample has a value in all runs, so that they cannot be compared.")
    different = [float((held[i] != held[j]).mean()) for i in range(count) for j in range(i + 1, count)]
    means = held.mean(axis=1)
    between = float(means.var(ddof=1))
    # Residuals of samples and runs: what is left is each sample's own.
    left = held - held.mean(axis=0) - means[:, None] + means.mean()
    freedom = (count - 1) * (number - 1)
    expected = float((left**2).sum()) / freedom / number if freedom else 0.0
    excess = max(0.0, between - expected)
    return Calibration(
        count,
        number,
        int((~known).sum()),
        float(np.mean(different)),
        float((held != held[0]).any(axis=0).mean()),
        between,
        expected,
        Noise(2 * excess, count - 1.0),
    )
