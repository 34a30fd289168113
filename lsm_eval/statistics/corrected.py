"""The true rate behind a detector's findings, and an interval that carries the detector's own uncertainty.

The rate that a detector reports is p = θ · Se + (1 - θ) · (1 - Sp), with θ the true rate, Se its sensitivity and Sp
its specificity. Solved for θ (Rogan & Gladen, Am. J. Epidemiol. 107:71-76, 1978):

    θ = (p + Sp - 1) / (Se + Sp - 1)

The interval is that of Lang & Reiczigel (Prev. Vet. Med. 113:13-22, 2014, eqs 4, 6, 7, 16 and 17): all three rates
come from samples of their own, each is moved towards one half (by z² trials for p, by one success and one failure
for Se and Sp), and the normal interval of the adjusted θ is shifted by a correction for its skewness.

Samples that hang together count as fewer than they are: the effective number is the raw rate's (`statistics.bounded`),
times (z / t)² (Korn & Graubard, Survey Methodology 24:193-201, 1998), and never more than n. Where clusters are too few or
too unequal for an interval of the raw rate, all of them count as one trial.

What no correction mends: the card's texts must be like the texts at hand. A detector that meets other phrasings
has another sensitivity, and nothing here can see that, unless the result is impossible (`card does not fit`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from lsm_eval.errors import UserError
from lsm_eval.statistics.basis import cluster_numbers
from lsm_eval.statistics.bounded import FloatArray, bounded_mean, normal_quantile
from lsm_eval.statistics.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of independent trials; `successes` need not be whole (an effective sample)."""

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
    """What is known of a detector: `card.sensitivity` and `card.specificity` with their numbers of texts."""

    sensitivity: Proportion
    specificity: Proportion

    @property
    def informative(self) -> bool:
        """Whether it finds more where there is something: sensitivity + specificity above 1."""
        return self.sensitivity.share + self.specificity.share > 1


def rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float | None:
    """The true rate behind an apparent one, all from 0 to 1, clipped to 0..1.

    None where sensitivity + specificity ≤ 1: such a detector says nothing, or the opposite."""
    gain = sensitivity + specificity - 1
    return None if gain <= 0 else min(1.0, max(0.0, (apparent - (1 - specificity)) / gain))


def lang_reiczigel(apparent: Proportion, quality: Quality, level: float = 0.95) -> tuple[float, float] | None:
    """Interval of the true rate, *not* clipped; None where the detector is not informative.

    Made for sensitivities and specificities of at least one half, and levels near 0.95."""
    if not quality.informative:
        return None
    z = NormalDist().inv_cdf(0.5 + level / 2)
    rate, n = apparent.adjusted(z**2)
    se, n_se = quality.sensitivity.adjusted(2)
    sp, n_sp = quality.specificity.adjusted(2)
    gain = se + sp - 1
    true = (rate + sp - 1) / gain
    from_se, from_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * z**2 * (true * from_se - (1 - true) * from_sp)
    # The paper prints (1 + θ)² in its eq. 4; the derivative of θ by Sp gives (1 - θ)².
    variance = (rate * (1 - rate) / n + true**2 * from_se + (1 - true) ** 2 * from_sp) / gain**2
    half = z * math.sqrt(variance)
    return true + shift - half, true + shift + half


def corrected_interval(
    apparent: Proportion, quality: Quality, level: float = 0.95
) -> tuple[float, float, bool] | None:
    """Low, high, and whether the card fits; None where the detector is not informative.

    Lang & Reiczigel's interval, clipped to 0..1, with two floors: no n texts can show less than zero findings
    among n would with a detector that never raises a false alarm (upper end), nor more than n findings among n
    would with one that never misses (lower end). Without them a card whose false alarms outnumber all findings
    at hand would give 0 to 0. The card does not fit where the unclipped interval lies outside 0..1."""
    raw = lang_reiczigel(apparent, quality, level)
    if raw is None:
        return None
    z = NormalDist().inv_cdf(0.5 + level / 2)
    none_seen = z**2 / (apparent.trials + z**2)
    floor = min(1.0, none_seen / quality.sensitivity.share)
    ceiling = max(0.0, 1 - none_seen / quality.specificity.share) if quality.specificity.share else 0.0
    low, high = raw
    fits = high > 0 and low < 1
    return min(max(low, 0.0), ceiling), max(min(high, 1.0), floor), fits


def effective(stats: FloatArray, clusters: Sequence[str | None], level: float = 0.95) -> Proportion:
    """The apparent rate of per-sample statistics (value, 1), [n, 2] with values 0 to 1, as independent trials.

    Plain counts where every sample stands alone; else see the module's first lines. n at least 1."""
    number = len(stats)
    groups, count = cluster_numbers(clusters)
    share = float(stats[:, 0].sum() / stats[:, 1].sum())
    if count == number:
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

    `stderr` is None: the interval is not symmetric. `method` says why where there is no value."""
    number = len(stats)
    if number == 0:
        return Estimate(None, None, None, None, "none (no samples)", level, 0, missing)
    if len(clusters) != number:
        raise UserError(
            f"{number} samples have {len(clusters)} clusters: give one for each sample (or None)."
        )
    _, count = cluster_numbers(clusters)
    shown = count if count < number else None
    apparent = effective(stats, clusters, level)
    value = rogan_gladen(apparent.share, quality.sensitivity.share, quality.specificity.share)
    ends = corrected_interval(apparent, quality, level)
    if value is None or ends is None:
        why = "none (the detector's sensitivity and specificity sum to no more than 1)"
        return Estimate(None, None, None, None, why, level, number, missing, shown, ties)
    if count == 1:
        why = "none (one sample)" if number == 1 else "none (one cluster)"
        return Estimate(value, None, None, None, why, level, number, missing, shown, ties)
    low, high, fits = ends
    notes = [*(["clusters"] if shown is not None else []), *([] if fits else ["card does not fit"])]
    method = "rogan-gladen" + (f"({', '.join(notes)})" if notes else "")
    # Moved towards one half, the interval may miss a value at the edge by a hair.
    return Estimate(
        value, min(low, value), max(high, value), None, method, level, number, missing, shown, ties
    )
