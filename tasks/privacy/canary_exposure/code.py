"""Exposure of planted canaries (Carlini et al., "The Secret Sharer", USENIX Security 2019, sections 4.2 and 4.3).

A canary is a sentence with a secret drawn at random from a space R, planted in the training data. A sample's choices
are secrets of that space (all of them, or some drawn at random), the target being the planted one, and the context
the canary up to its secret. `metadata.space_bits` is log2 |R|.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Unit
from lsm_eval.metrics.common import MeanMetric, ProportionMetric, counted, metadata, right_choices, scored
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

from .canaries import canary_before, canary_bits, canary_choices, canary_place

__all__ = [
    "CanaryExposure",
    "CanaryExposureExtrapolated",
    "CanaryFirst",
    "GreedyExtracted",
    "canary_before",
    "canary_bits",
    "canary_choices",
    "canary_place",
]

METRICS: MetricRows = {
    "canary_exposure": ("CanaryExposure", "exposure of planted secrets, by rank", "bits", False, "score"),
    "canary_exposure_extrapolated": ("CanaryExposureExtrapolated", "exposure, by extrapolation", "bits", False, "score"),
    "canary_first": ("CanaryFirst", "planted secrets ranked first", "fraction", False, "score"),
    "greedy_extracted": ("GreedyExtracted", "texts that greedy decoding would give", "fraction", False, "score"),
}  # fmt: skip
FUNCTIONS = ("canary_before", "canary_bits", "canary_choices", "canary_place")


class _OfCanary(MeanMetric, ABC):
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        logprobs = np.array(scored(self.name, answer).logprobs)
        if len(logprobs) < 2:
            raise UserError(
                f"metric {self.name!r}: sample {sample.id!r} has one choice only: add secrets that were not planted."
            )
        right = right_choices(self.name, sample, len(logprobs))
        if len(right) != 1:
            raise UserError(f"metric {self.name!r}: sample {sample.id!r} must have one planted secret.")
        (planted,) = right
        others = np.delete(logprobs, planted)
        value = self.value(float(logprobs[planted]), others, sample)
        return counted(value, tie=bool((others == logprobs[planted]).any()))

    @abstractmethod
    def value(self, planted: float, others: FloatArray, sample: Sample) -> float:
        """The value from the log-probabilities of the planted secret and of the others [m - 1]."""


class CanaryExposure(_OfCanary):
    """`canary_exposure`: log2 m - log2 rank of the planted secret among m candidates, in bits; mean over canaries
    (section 4.2 over all of R, section 4.3 over a sample of it).

    Equally likely candidates count against the rank, as in the paper, so that an uninformative model gives 0. A
    canary that was never planted has a random rank, and log2 e = 1.44 bits on average. The value is at most log2 m;
    higher exposure can only be extrapolated."""

    default_name = "canary_exposure"
    reads_likelihood = True
    unit: Unit = "bits"

    def value(self, planted: float, others: FloatArray, sample: Sample) -> float:
        return exposure_by_rank(planted, others)


class CanaryExposureExtrapolated(_OfCanary):
    """`canary_exposure_extrapolated`: -log2 of the share of R that would be at least as likely as the planted secret, if
    the log-probabilities of R were distributed as the skew-normal that fits the candidates' best (section 4.3), in
    bits; at most log2 |R|; mean over canaries."""

    default_name = "canary_exposure_extrapolated"
    reads_likelihood = True
    unit: Unit = "bits"

    def value(self, planted: float, others: FloatArray, sample: Sample) -> float:
        bits = float(metadata(self.name, sample, "space_bits"))
        return min(exposure_by_extrapolation(planted, others), bits)


class CanaryFirst(ProportionMetric):
    """`canary_first`: share of canaries whose secret is more likely than every other candidate."""

    default_name = "canary_first"
    reads_likelihood = True
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        logprobs = scored(self.name, answer).logprobs
        right = right_choices(self.name, sample, len(logprobs))
        best = max(logprobs)
        first = [index for index, value in enumerate(logprobs) if value == best]
        return counted(len(first) == 1 and first[0] in right, tie=len(first) > 1)


class GreedyExtracted(ProportionMetric):
    """`greedy_extracted`: share of samples whose right choice greedy decoding from the context would give, known from
    its score without generating anything. Exact except for texts that a tokenizer can encode in two ways."""

    default_name = "greedy_extracted"
    reads_likelihood = True
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        greedy = scored(self.name, answer).greedy
        return counted(any(greedy[index] for index in right_choices(self.name, sample, len(greedy))))


def exposure_by_rank(planted: float, others: FloatArray) -> float:
    """log2 m - log2 rank for m candidates, the planted one and `others` [m - 1]; by log-probability, 0 to log2 m."""
    rank = 1 + int((others >= planted).sum())
    return math.log2(len(others) + 1) - math.log2(rank)


def exposure_by_extrapolation(planted: float, others: FloatArray) -> float:
    """-log2 Pr[X >= planted] for X of the skew-normal that fits `others` [m - 1] by maximum likelihood; 0 or more.

    If all others are equal there is nothing to fit, and it is the exposure by rank."""
    from scipy.optimize import minimize
    from scipy.stats import skew

    centre, spread = float(others.mean()), float(others.std())
    if spread <= 1e-12 * max(1.0, abs(centre)):
        return exposure_by_rank(planted, others)
    scaled = (others - centre) / spread

    def cost(parameters: FloatArray) -> float:
        shape, location, log_scale = parameters
        return float(-_log_density(scaled, shape, location, math.exp(log_scale)).sum())

    # Starts from the method of moments (Azzalini 1985); the sample's skewness may exceed what it allows.
    third = float(np.clip(skew(scaled), -0.95, 0.95))
    ratio = abs(third) ** (2 / 3)
    delta = math.copysign(math.sqrt(math.pi / 2 * ratio / (ratio + ((4 - math.pi) / 2) ** (2 / 3))), third)
    delta = float(np.clip(delta, -0.99, 0.99))
    scale = 1 / math.sqrt(1 - 2 * delta**2 / math.pi)
    start = (delta / math.sqrt(1 - delta**2), -scale * delta * math.sqrt(2 / math.pi), math.log(scale))
    found = minimize(cost, np.array(start), method="Nelder-Mead", options={"maxiter": 2000})
    shape, location, log_scale = found.x
    return max(
        0.0, -_log_tail((planted - centre) / spread, shape, location, math.exp(log_scale)) / math.log(2)
    )


def _log_density(x: FloatArray, shape: float, location: float, scale: float) -> FloatArray:
    """Log-density of the skew-normal: log(2 φ(z) Φ(shape z) / scale), z = (x - location) / scale."""
    from scipy.special import log_ndtr

    z = (x - location) / scale
    density: FloatArray = (
        math.log(2) - 0.5 * math.log(2 * math.pi) - 0.5 * z**2 + log_ndtr(shape * z) - math.log(scale)
    )
    return density


def _log_tail(x: float, shape: float, location: float, scale: float) -> float:
    """log Pr[X >= x], integrating the density in logarithms, because in the tails the distribution function is 0 or 1."""
    from scipy.special import logsumexp

    # Beyond this the density has fallen below the precision of a float, wherever x lies.
    end = max(x, location) + 40 * scale
    start = max(x, location - 40 * scale)
    places = np.concatenate(
        [np.linspace(start, start + 2 * scale, 8001), np.linspace(start + 2 * scale, end, 8001)[1:]]
    )
    steps = np.diff(places)
    middle = (places[1:] + places[:-1]) / 2
    return min(0.0, float(logsumexp(_log_density(middle, shape, location, scale) + np.log(steps))))
