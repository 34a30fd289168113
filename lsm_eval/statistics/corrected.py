"""The true rate behind a detector's findings, with an interval that includes the uncertainty about the detector.

The rate that a detector reports is p = θ · Se + (1 - θ) · (1 - Sp), with θ the true rate, Se its sensitivity and Sp
its specificity. Solved for θ (Rogan & Gladen, Am. J. Epidemiol. 107:71-76, 1978):

    θ = (p + Sp - 1) / (Se + Sp - 1)

Sensitivity and specificity vary between models by more than chance, so what matters is their value for *another* model. On the
logit scale the card's models are treated as a sample from a normal population; the next one then
follows Student's t around their mean with scale s · sqrt(1 + 1/K) (the predictive distribution of a normal sample; Geisser,
Predictive Inference, 1993; for random effects Higgins, Thompson & Spiegelhalter, J. R. Stat. Soc. A 172:137-159,
2009). s is at least what sampling error alone gives, and is shrunk towards a conservative prior (`SPREAD`) that weighs as much as one
model: a few models that happen to be alike do not show that the next one will be.

The interval propagates the three distributions (p: Jeffreys' beta) to θ, with fixed points in place of random draws, as
in the fiducial intervals of Hannig, Iyer, Lai & Lee (J. Am. Stat. Assoc. 111:1346-1361, 2016). A point with Se + Sp ≤ 1
carries no information on θ and counts towards both ends.

There is *no* corrected rate, and `method` says why, if
- θ lies outside 0..1: the raw rate is below the card's false-alarm rate, or above its sensitivity, so that the card does not fit
  these texts or there are too few of them;
- Se + Sp - 1 is not clearly above 0 for another model;
- the card has fewer than `FEWEST_MODELS` models, so that its variation between models is unknown.

Clustered samples count as fewer than they are: the effective number is that of the raw rate (`statistics.bounded`),
times (z / t)² (Korn & Graubard, Survey Methodology 24:193-201, 1998), and at most n. If clusters are too few or
too unequal for an interval of the raw rate, all of them count as one trial.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.statistics.basis import basis, cluster_numbers
from lsm_eval.statistics.bounded import FloatArray, bounded_mean, normal_quantile
from lsm_eval.statistics.estimate import NOT_ESTIMABLE, Estimate
from lsm_eval.statistics.points import cube_points

FEWEST_MODELS = 4
SPREAD = 1.5
"""The prior for the variation of sensitivity and specificity between models, as a standard deviation of logits: that of the
refusal detector between XSTest's five models."""
_SPREAD_MODELS = 1.0
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of independent trials; `successes` may be fractional (an effective sample)."""

    successes: float
    trials: float

    def __post_init__(self) -> None:
        if not 0 <= self.successes <= self.trials or not self.trials > 0:
            raise ValueError(f"{self.successes} successes of {self.trials} trials are no proportion")

    @property
    def share(self) -> float:
        return self.successes / self.trials

    def adjusted(self, extra: float) -> tuple[float, float]:
        """Share and trials after `extra` more trials, half of them successes."""
        trials = self.trials + extra
        return (self.successes + extra / 2) / trials, trials


@dataclass(frozen=True, slots=True)
class Quality:
    """A detector's measured sensitivity and specificity (`detectors.card`), over all texts and by the model that wrote them."""

    sensitivity: Proportion
    specificity: Proportion
    finds: tuple[Proportion, ...] = ()
    """Sensitivity for each model; empty if the card does not distinguish models."""
    leaves: tuple[Proportion, ...] = ()
    """Specificity for each model."""

    @property
    def models(self) -> int:
        """Number of models for which both are known."""
        return min(len(self.finds), len(self.leaves))

    def typical(self) -> tuple[float, float]:
        """Sensitivity and specificity of an average model of the card; over all texts if the models are not known."""
        if not self.models:
            return self.sensitivity.share, self.specificity.share
        return _expit(_logits(self.finds)[0]), _expit(_logits(self.leaves)[0])


def rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float | None:
    """The true rate behind an apparent one, all from 0 to 1. It is *not* clipped: outside 0..1 the three are inconsistent.

    None if sensitivity + specificity ≤ 1: such a detector is uninformative, or inverted."""
    gain = sensitivity + specificity - 1
    return None if gain <= 0 else (apparent - (1 - specificity)) / gain


def corrected_interval(
    apparent: Proportion, quality: Quality, level: float = 0.95
) -> tuple[float, float, float]:
    """Low and high, clipped to 0..1, and the probability that sensitivity + specificity ≤ 1 for another model. If that is above
    (1 - level) / 2, the ends are 0 and 1. Needs at least two models."""
    from scipy.special import betaincinv

    at = cube_points()
    failures = apparent.trials - apparent.successes
    rate = betaincinv(apparent.successes + 0.5, failures + 0.5, at[:, 0])
    sensitivity = another_model(quality.finds, at[:, 1])
    specificity = another_model(quality.leaves, at[:, 2])
    return _projected(rate, sensitivity, specificity, level)


def another_model(seen: Sequence[Proportion], at: FloatArray) -> FloatArray:
    """Quantiles `at` (0 to 1) of a proportion for a model that is not among those measured (at least two)."""
    from scipy.special import expit, stdtrit

    centre, scale, freedom = _logits(seen)
    quantiles: FloatArray = expit(centre + scale * stdtrit(freedom, at))
    return quantiles


def _logits(seen: Sequence[Proportion]) -> tuple[float, float, float]:
    """Centre, scale and degrees of freedom of the logit of a proportion for a model that is not among those measured; the scale is
    infinite if only one was measured."""
    successes = np.array([share.successes for share in seen]) + 0.5
    failures = np.array([share.trials - share.successes for share in seen]) + 0.5
    logits = np.log(successes / failures)
    count = len(logits)
    if count < 2:
        return float(logits.mean()), math.inf, 1.0
    # The variance of an empirical logit (Gart & Zweifel, Biometrika 54:181-187, 1967).
    chance = float((1 / successes + 1 / failures).mean())
    variance = max(float(logits.var(ddof=1)), chance)
    variance = ((count - 1) * variance + _SPREAD_MODELS * SPREAD**2) / (count - 1 + _SPREAD_MODELS)
    return float(logits.mean()), math.sqrt(variance * (1 + 1 / count)), count - 1 + _SPREAD_MODELS


def _projected(
    rate: FloatArray, sensitivity: FloatArray, specificity: FloatArray, level: float
) -> tuple[float, float, float]:
    gain = sensitivity + specificity - 1
    silent = gain <= 0
    true = (rate + specificity - 1) / np.where(silent, 1.0, gain)
    tail = (1 - level) / 2
    low = float(np.quantile(np.where(silent, 0.0, true).clip(0, 1), tail))
    high = float(np.quantile(np.where(silent, 1.0, true).clip(0, 1), 1 - tail))
    return low, high, float(silent.mean())


def _expit(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def effective(stats: FloatArray, clusters: Sequence[str | None], level: float = 0.95) -> Proportion:
    """The apparent rate of per-sample statistics (value, weight), [n, 2] with values 0 to the weight, as independent trials.

    Plain counts without clusters and weights; else as the module's docstring says. n is at least 1."""
    number = len(stats)
    groups, count = cluster_numbers(clusters)
    share = float(stats[:, 0].sum() / stats[:, 1].sum())
    if count == number and (stats[:, 1] == 1).all():
        return Proportion(share * number, number)
    found = bounded_mean(stats, groups, count, level)
    if isinstance(found, str):
        return Proportion(share, 1)
    trials = min(float(number), found.trials * (normal_quantile(level) / found.quantile) ** 2)
    return Proportion(share * trials, trials)


def corrected_estimate(
    stats: FloatArray,
    clusters: Sequence[str | None],
    quality: Quality,
    *,
    missing: int,
    ties: int = 0,
    level: float = 0.95,
) -> Estimate:
    """The corrected rate of per-sample statistics (found, 1), [n, 2], with its interval.

    `stderr` is None: the interval is not symmetric. If there is no value, `method` says why."""
    base = basis(clusters, missing=missing, ties=ties, level=level)
    if len(stats) != base.number:
        raise UserError(
            f"{len(stats)} samples have {base.number} clusters: give one for each sample (or None)."
        )
    if found := base.empty():
        return found
    apparent = effective(stats, clusters, level)
    value = _value(apparent.share, quality)
    if isinstance(value, str):
        return base.result(None, f"{NOT_ESTIMABLE}{value})")
    low, high, silent = corrected_interval(apparent, quality, level)
    if silent > (1 - level) / 2:
        why = (
            f"between the card's {quality.models} models sensitivity and specificity differ so much that for another model "
            "their sum may be 1 or less"
        )
        return base.result(None, f"{NOT_ESTIMABLE}{why})")
    if found := base.without_interval(value):
        return found
    method = "rogan-gladen(models)" if base.clusters is None else "rogan-gladen(models, clusters)"
    return base.result(value, method, (min(low, value), max(high, value)))


def _value(share: float, quality: Quality) -> float | str:
    """The corrected rate for an average model of the card, or in words why there is none."""
    sensitivity, specificity = quality.typical()
    value = rogan_gladen(share, sensitivity, specificity)
    if value is None:
        return "the detector's sensitivity and specificity sum to no more than 1"
    if value < -_ROUNDING:
        return f"the raw rate of {100 * share:.1f} % is below the card's false alarms of {100 * (1 - specificity):.1f} %"
    if value > 1 + _ROUNDING:
        return f"the raw rate of {100 * share:.1f} % is above the card's sensitivity of {100 * sensitivity:.1f} %"
    if quality.models < FEWEST_MODELS:
        known = f"{quality.models} of {FEWEST_MODELS}" if quality.models else "not one"
        return f"how the detector's errors differ between models is not known, {known} on its card"
    return min(1.0, max(0.0, value))
