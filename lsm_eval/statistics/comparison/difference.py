"""A paired difference with its interval, and tests that are consistent with it.

- 0 or 1, independent pairs: Tango's score interval with an exact bound if few pairs differ (`score`).
- Values with a known range (0 to `top`), and 0 or 1 in clusters: the same on an effective number of trials, with
  Student's t. The spread is estimated as for a single mean (`statistics.bounded`): the variance of a difference over the largest possible with
  these gains and losses. So is the design effect, shrunk towards a conservative prior that weighs as much as one differing pair; the
  prior is that a cluster is one pair if few pairs differ, and follows from their neighbours if more do (`design`).
  With clusters a t interval with Hall's correction for skewness is computed as well, and the wider end counts (`score`).
- Any other mean: Student's t with the CR2 standard error of the differences and a correction for skewness (`score`). If fewer than ten
  pairs (or clusters) differ it is treated as bounded by the extremes observed in either run, so that n equal pairs give the bound for n.
- No interval, with the reason, for one pair, for fewer than ten pairs of a mean without bounds, for fewer than five clusters, or if one
  cluster holds more than half of the pairs.

Calibration (`noise`) adds the variance between whole runs, which the pairs of two runs do not show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray, RobustMean, observed_freedom, robust_mean, why_no_interval
from lsm_eval.statistics.comparison.design import guessed_design_effect
from lsm_eval.statistics.comparison.pairs import Pairs
from lsm_eval.statistics.comparison.score import Score, Side, Statistic, Student

Scale = Literal["binary", "bounded", "mean"]
"""0 or 1; between 0 and `top`; without bounds."""

DESIGN_EVENTS = 1.0
SPREAD_EVENTS = 0.5
"""Weights of the priors in differing pairs, as in `statistics.bounded`."""
FEWEST_FOR_MEANS = 10
"""Differing pairs, or clusters, below which no method without bounds was found to cover."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Variance between whole runs of one model, beyond that of their samples (`noise.calibration`)."""

    variance: float
    """Added to the variance of a difference, in the metric's unit squared."""
    freedom: float
    """Degrees of freedom of the runs."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference candidate minus baseline, with its interval."""

    value: float | None
    """None without pairs."""
    low: float | None
    high: float | None
    stderr: float | None
    p: float | None
    """Two-sided p-value of no difference: at most 1 - `level` exactly if the interval excludes 0."""
    level: float
    n: int
    """Pairs."""
    missing: int
    """Pairs left out because a value is missing in either run."""
    discordant: int | None
    """Number of differing pairs; None if samples have no scores (corpus scores)."""
    gains: int | None
    """Number of these in which the candidate's value is larger."""
    clusters: int | None
    """None if no two pairs share a cluster."""
    method: str
    reason: str | None
    """Why there is no interval; None if there is one."""
    statistic: Statistic | None
    """The statistic that all tests use; None if there is no interval."""


def difference(
    data: Pairs,
    scale: Scale = "binary",
    *,
    top: float = 1.0,
    level: float = 0.95,
    noise: Noise | None = None,
) -> Difference:
    """The difference between two means over the same samples; `top` is the maximum of a bounded value (100 for points). Raises `UserError`
    for values that do not fit the scale."""
    check_scale(data, scale, top)
    apart = data.differences
    value = float((data.weights * apart).sum() / data.weights.sum()) if data.number else None
    found = statistic(data, scale, top=top, noise=noise)
    clustered = data.clusters is not None
    return make_difference(
        found,
        value,
        level=level,
        n=data.number,
        missing=data.missing,
        clusters=data.clusters,
        discordant=int((apart != 0).sum()),
        gains=int((apart > 0).sum()),
        stderr=_stderr(data),
        method=_method(
            found, data, scale, clustered=clustered, noisy=noise is not None and noise.variance > 0
        ),
    )


def make_difference(
    found: Statistic | str,
    value: float | None,
    *,
    level: float,
    n: int,
    missing: int,
    clusters: int | None,
    discordant: int | None,
    gains: int | None,
    stderr: float | None,
    method: str,
) -> Difference:
    """The `Difference` for a statistic; a string in its place is the reason why there is none."""
    if isinstance(found, str):
        return Difference(
            value,
            None,
            None,
            stderr,
            None,
            level,
            n,
            missing,
            discordant,
            gains,
            clusters,
            f"none ({found})",
            found,
            None,
        )
    assert value is not None
    # The statistic's own value can differ by a rounding error.
    low, high = min(found.end(level, "greater"), value), max(found.end(level, "less"), value)
    p = min(1.0, 2 * min(found.p(0.0, "greater"), found.p(0.0, "less")))
    return Difference(
        value, low, high, stderr, p, level, n, missing, discordant, gains, clusters, method, None, found
    )


def p_value(found: Difference, margin: float, side: Side) -> float | None:
    """One-sided p-value of a true difference of `margin`, against the alternative that it is greater or less. None if there is no
    interval. It is at most α exactly if the end of the interval at level 1 - 2 α lies beyond the margin."""
    return None if found.statistic is None else found.statistic.p(margin, side)


def bound(found: Difference, alpha: float, side: Side) -> float | None:
    """The one-sided confidence limit of the true difference: a lower one (side "greater") or an upper one, wrong in a share `alpha` of
    cases; None if there is no interval."""
    return None if found.statistic is None else found.statistic.end(1 - 2 * alpha, side)


def equivalence(found: Difference, margin: float) -> float | None:
    """p of the two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15:657-680, 1987) that the true
    difference is neither below -margin nor above margin; None if there is no interval."""
    if found.statistic is None:
        return None
    return max(found.statistic.p(-margin, "greater"), found.statistic.p(margin, "less"))


def statistic(data: Pairs, scale: Scale, *, top: float = 1.0, noise: Noise | None = None) -> Statistic | str:
    """The statistic for the interval and the tests; or in words why there is none."""
    if data.number == 0:
        return "no pairs"
    apart = data.differences
    sums = data.sums(apart)
    if why := why_no_interval(sums[:, 1], clustered=data.clusters is not None):
        return "one pair" if why == "one sample" else why
    if scale == "mean":
        if data.count < FEWEST_FOR_MEANS:
            return f"only {data.count} {'pairs' if data.clusters is None else 'clusters'}"
        if np.count_nonzero(sums[:, 0]) >= FEWEST_FOR_MEANS:
            return _student(data, noise)
        top = float(np.ptp(np.concatenate([data.baseline, data.candidate])))
        if top == 0:
            return "all values are the same"
    whole = scale == "binary" and data.clusters is None and bool((data.weights == data.weights[0]).all())
    return score_of(data, top, noise, whole=whole)


def _student(data: Pairs, noise: Noise | None) -> Statistic | str:
    sums = data.sums(data.differences)
    robust = robust_mean(sums)
    if robust.stderr <= 1e-12 * max(abs(robust.mean), 1e-300):
        return "no spread between the pairs' differences"
    return _of_sums(sums, robust, robust.freedom, noise)


def _of_sums(sums: FloatArray, robust: RobustMean, freedom: float, noise: Noise | None) -> Student:
    """From the sums (weight · difference, weight) of clusters [G, 2]."""
    residuals = sums[:, 0] - robust.mean * sums[:, 1]
    variance, freedom = add_noise(robust.stderr**2, freedom, noise, 1.0)
    # The noise of runs has no skewness of its own.
    skew = (
        float((residuals**3).sum())
        / float((residuals**2).sum()) ** 1.5
        * (robust.stderr**2 / variance) ** 1.5
    )
    return Student(robust.mean, math.sqrt(variance), freedom, skew)


def score_of(data: Pairs, span: float, noise: Noise | None, *, whole: bool) -> Score:
    """For differences between -span and span; `whole`: values are 0 or 1, without clusters or weights."""
    weight, total = data.weights, float(data.weights.sum())
    apart = data.differences / span
    gained = float((weight * np.maximum(apart, 0)).sum()) / total
    lost = float((weight * np.maximum(-apart, 0)).sum()) / total
    number = total**2 / float((weight**2).sum())
    most = gained + lost - (gained - lost) ** 2
    if whole:
        trials, freedom, student = number, math.inf, None
    else:
        events = number * most
        sums = data.sums(apart)
        robust = robust_mean(sums)
        rows = np.column_stack([weight * apart, weight])
        alone = robust_mean(rows).stderr ** 2
        size = float((sums[:, 1] ** 2).sum()) / float((weight**2).sum())
        seen = max(robust.stderr**2 / alone, 1.0) if alone > 0 else 1.0
        effective = events / seen
        design = (seen * effective + guessed_design_effect(data, size, effective) * DESIGN_EVENTS) / (
            effective + DESIGN_EVENTS
        )
        share = min(alone * (number - 1) / most, 1.0) if most > 1e-15 else 1.0
        spread = (share * events + SPREAD_EVENTS) / (events + SPREAD_EVENTS)
        trials, freedom = number / (design * spread), robust.freedom
        student = _clustered_student(data, noise)
    # The variance that noise is added to: at least that of half a differing pair.
    own = max(most, 0.5 / number) / trials
    grown, freedom = add_noise(own, freedom, noise, span)
    return Score(trials * own / grown, gained, lost, freedom, span, student)


def _clustered_student(data: Pairs, noise: Noise | None) -> Student | None:
    """Student's t over clusters, with fewer degrees of freedom if the variance rests on few of them; None without clusters, or if
    nothing differs between clusters."""
    if data.clusters is None:
        return None
    sums = data.sums(data.differences)
    robust = robust_mean(sums)
    if robust.stderr <= 1e-12 * max(abs(robust.mean), 1e-300):
        return None
    return _of_sums(sums, robust, observed_freedom(sums, robust), noise)


def add_noise(variance: float, freedom: float, noise: Noise | None, span: float) -> tuple[float, float]:
    """The variance with the noise of runs added, and Satterthwaite's degrees of freedom of the sum; `span` is the value of 1 in the
    metric's unit."""
    if noise is None or noise.variance <= 0:
        return variance, freedom
    extra = noise.variance / span**2
    total = variance + extra
    return total, total**2 / (variance**2 / freedom + extra**2 / noise.freedom)


def _stderr(data: Pairs) -> float | None:
    return robust_mean(data.sums(data.differences)).stderr if data.count > 1 else None


def _method(found: Statistic | str, data: Pairs, scale: Scale, *, clustered: bool, noisy: bool) -> str:
    name = (
        "t(paired"
        if isinstance(found, Student)
        else "tango(paired"
        if scale == "binary" and not clustered
        else "tango(effective, paired"
    )
    if scale == "binary" and not clustered and not (data.weights == data.weights[:1]).all():
        name = "tango(effective, paired"
    return name + (", clusters" if clustered else "") + (", noise" if noisy else "") + ")"


def check_scale(data: Pairs, scale: Scale, top: float) -> None:
    """Raises `UserError` for values that do not fit the scale."""
    both = np.concatenate([data.baseline, data.candidate])
    if scale == "binary" and not np.isin(both, (0.0, 1.0)).all():
        raise UserError("A value is neither 0 nor 1: compare these samples as bounded values or as means.")
    if scale == "bounded" and not ((both >= 0) & (both <= top * (1 + 1e-12))).all():
        raise UserError(f"A value is not between 0 and {top:g}: compare these samples as means.")
