"""Whether a model knows when it is right: the use of its confidence for answering only if it is sure.

Both metrics are over samples in the order of their confidence (`metrics.confidence`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.confidence import Normalise, OfChoices
from lsm_eval.metrics.weights import relative_weights
from lsm_eval.requests import Answer
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.risk_coverage import risk_coverage, risk_coverage_estimate
from lsm_eval.tasks.sample import Sample


class _Ranked(OfChoices):
    """A metric over samples in the order of their confidence."""

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """The value over these samples."""
        return self.over(*self._found(samples, answers))

    def over(self, odds: FloatArray, right: FloatArray) -> float:
        """The value from confidences, as log-odds [n], and how right each sample is [n]."""
        raise NotImplementedError

    def _found(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> tuple[FloatArray, FloatArray]:
        """Confidences, as log-odds [n], and how right each sample is [n]."""
        found = [self.confidence(s, a) for s, a in zip(samples, answers, strict=True)]
        return np.array([f.odds for f in found]), np.array([f.right for f in found])


class ConfidenceAuroc(_Ranked):
    """`confidence_auroc`: the chance that a right answer has more confidence than a wrong one, a tie counting one
    half (Hendrycks & Gimpel 2017). At 0.5 confidence says nothing; undefined if all are right or all wrong. A
    sample that is right by a share counts by that share as right, and by the rest as wrong."""

    default_name = "confidence_auroc"
    weighs = True

    def __init__(self, *, name: str | None = None, normalise: Normalise = "none") -> None:
        super().__init__(name, normalise)

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The value with its interval (`protocols.CorpusInterval`)."""
        odds, right = self._found(samples, [own[0] for own in answers])
        return auroc_estimate(
            odds,
            right,
            [sample.cluster for sample in samples],
            missing=missing,
            weights=relative_weights(samples),
        )

    def over(self, odds: FloatArray, right: FloatArray) -> float:
        _, level = np.unique(odds, return_inverse=True)
        positive = np.bincount(level.ravel(), weights=right)
        negative = np.bincount(level.ravel(), weights=1 - right)
        if not positive.sum() or not negative.sum():
            return math.nan
        below = np.cumsum(negative) - negative
        return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


class Aurc(_Ranked):
    """`aurc`: area under the risk-coverage curve (Geifman, Uziel & El-Yaniv 2019): the mean, over k = 1..n, of
    the share of wrong ones among the k most confident answers. It equals the error rate if confidence says
    nothing. `excess: true` subtracts the least area possible with as many errors (their E-AURC), so that a
    model is not worse only for being less accurate."""

    default_name = "aurc"
    weighs = True
    higher_is_better = False

    def __init__(
        self, *, name: str | None = None, excess: bool = False, normalise: Normalise = "none"
    ) -> None:
        super().__init__(name, normalise)
        self.excess = excess

    def options(self) -> dict[str, str]:
        return {"excess": "yes" if self.excess else "no", **super().options()}

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The value with its interval (`protocols.CorpusInterval`)."""
        odds, right = self._found(samples, [own[0] for own in answers])
        return risk_coverage_estimate(
            odds,
            1 - right,
            [sample.cluster for sample in samples],
            missing=missing,
            excess=self.excess,
            weights=relative_weights(samples),
        )

    def over(self, odds: FloatArray, right: FloatArray) -> float:
        return risk_coverage(odds, 1 - right, excess=self.excess)
