"""How much of a score's variance lies between questions, and how much between draws of one question.

Of Q questions with n draws each, by the one-way random-effects analysis of variance (Searle, Casella & McCulloch, Variance
Components, 1992, section 3.6), with MSW the mean of the questions' own variances and MSB n times the variance of their means:

    between draws:      s²_d = MSW,
    between questions:  s²_q = (MSB - MSW) / n,

both unbiased, so that the estimate s²_q may be negative if the variance is near 0. The squared standard error of the mean over all is
(s²_q + s²_d / n) / Q = MSB / (n Q) (Miller, "Adding Error Bars to Evals", arXiv 2411.00640, 2024, section 3.1): more draws
reduce only the second part, and its share, MSW / MSB, says how much they can help.

Intervals: for s²_d, a mean of values with a known maximum, Wilson's on effective trials; for the others, Student's t with the
jackknife over questions, for the share on the logarithmic scale. These cover only if scores are spread to both sides
(`FEWEST_EVENTS`) and questions have no clusters; otherwise there is no interval, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsm_eval.statistics.basis import Basis, basis
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import share_among
from lsm_eval.statistics.smooth import jackknife

FEWEST_EVENTS = 40
"""Least sum of the questions' scores as shares of the maximum, and of their shortfalls from it. Found by simulation
(`benchmarks/coverage_draws.py`)."""


def questions(sums: FloatArray, draws: int | FloatArray) -> FloatArray:
    """s²_q from sums over questions of (1, mean, mean², variance), [..., 4], where the variance is the unbiased one of the question's
    draws (divided by n - 1)."""
    return np.asarray(_spread(sums) - _within(sums) / draws)


def share(sums: FloatArray, draws: int | FloatArray) -> FloatArray:
    """MSW / MSB from the same sums; may exceed 1 by chance, and is NaN or infinite if no two questions differ."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_within(sums) / draws / _spread(sums))


def between_draws(
    rows: FloatArray, draws: int, top: float, clusters: Sequence[str | None], *, missing: int
) -> Estimate:
    """s²_d from each question's (1, mean, mean², variance), [Q, 4]; scores go from 0 to `top`."""
    most = top**2 * draws / (4 * (draws - 1))
    shares = np.column_stack([np.minimum(rows[:, 3] / most, 1.0), np.ones(len(rows))])
    return share_among(shares, clusters, missing=missing, ties=0, seed=0, scale=most)


def between_questions(
    rows: FloatArray, draws: int, top: float, clusters: Sequence[str | None], *, missing: int
) -> Estimate:
    """s²_q, from the same."""
    base = basis(clusters, missing=missing)
    if found := base.empty():
        return found
    sums = rows.sum(axis=0)
    value = float(questions(sums, draws))
    if found := base.without_interval(value):
        return found
    if why := _unfit(rows, top, base):
        return base.result(value, f"none ({why})")
    without = questions(sums - rows, draws)
    return jackknife(base, value, without, np.ones(len(rows)), "jackknife(samples)", span=None)


def share_of_draws(
    rows: FloatArray, draws: int, top: float, clusters: Sequence[str | None], *, missing: int
) -> Estimate:
    """MSW / MSB, at most 1, from the same; no value if no two questions differ."""
    base = basis(clusters, missing=missing)
    if found := base.empty():
        return found
    sums = rows.sum(axis=0)
    value = float(share(sums, draws))
    if not np.isfinite(value):
        return base.result(None, "none (no spread between the samples)")
    if found := base.without_interval(value):
        return found
    if why := _unfit(rows, top, base):
        return base.result(min(value, 1.0), f"none ({why})")
    without, alike = share(sums - rows, draws), np.ones(len(rows))
    made = jackknife(base, value, without, alike, "jackknife(samples)", span=None, logarithm=True)
    low, high = (None if end is None else min(end, 1.0) for end in (made.low, made.high))
    return replace(made, value=min(value, 1.0), low=low, high=high)


def _spread(sums: FloatArray) -> FloatArray:
    """Variance of the questions' means: MSB / n."""
    number = sums[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray((sums[..., 2] - sums[..., 1] ** 2 / number) / (number - 1))
    # A spread that is only rounding error is 0.
    return np.where(found <= 1e-12 * sums[..., 2], np.where(np.isnan(found), np.nan, 0.0), found)


def _within(sums: FloatArray) -> FloatArray:
    """Mean of the questions' own variances: MSW."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(sums[..., 3] / sums[..., 0])


def _unfit(rows: FloatArray, top: float, base: Basis) -> str | None:
    """Why these allow no interval, in words; None if they do."""
    if base.clusters is not None:
        return "samples in clusters"
    right = float(rows[:, 1].sum()) / top
    return (
        f"fewer than {FEWEST_EVENTS} right or wrong"
        if min(right, len(rows) - right) < FEWEST_EVENTS
        else None
    )
