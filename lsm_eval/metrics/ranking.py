"""Shared code of metrics that are an AUROC over a whole set of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lsm_eval.metrics.weights import relative_weights
from lsm_eval.requests import Answer
from lsm_eval.statistics.auroc import auroc
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores and the classes that they should separate, all of the same length."""

    scores: Sequence[float]
    positive: Sequence[bool]
    of: Sequence[int]
    """Index of the sample that each belongs to."""


class AurocMetric:
    """A corpus metric that is an AUROC, with an interval from its variance (`statistics.auroc_interval`)."""

    weighs = True
    reads_order = True

    def ranked(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> Ranked | None:
        """The scores and classes from the answers to all requests of each sample; None if undefined."""
        raise NotImplementedError

    def compute(self, samples: Sequence[Sample], answers: Sequence[Answer]) -> float:
        """The value over samples of one request each; NaN if a class is empty."""
        return self._value_of(samples, [[answer] for answer in answers])

    def _value_of(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> float:
        found = self.ranked(samples, answers)
        return float("nan") if found is None else auroc(found.scores, found.positive)

    def estimate_corpus(
        self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]], *, missing: int
    ) -> Estimate:
        """The value with its interval (`protocols.CorpusInterval`); n counts samples that are ranked."""
        found = self.ranked(samples, answers)
        if found is None:
            why = "none (undefined on these samples)"
            return Estimate(None, None, None, None, why, 0.95, len(samples), missing)
        return of_samples(found.scores, found.positive, found.of, samples, missing=missing)


class JointAurocMetric(AurocMetric):
    """One that reads several answers per sample (`joint.JointCorpusMetric`)."""

    def compute_all(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> float:
        """The value over these samples; NaN if a class is empty."""
        return self._value_of(samples, answers)


def of_samples(
    scores: Sequence[float],
    positive: Sequence[bool] | Sequence[float],
    of: Sequence[int],
    samples: Sequence[Sample],
    *,
    missing: int,
) -> Estimate:
    """`auroc_estimate` of scores; `of` gives each one's index in `samples`. Those of one sample are dependent."""
    number = len(set(of))
    clusters: list[str | None] = [samples[index].cluster for index in of]
    if number < len(of):
        clusters = [
            f"alone {index}" if own is None else f"cluster {own}"
            for index, own in zip(of, clusters, strict=True)
        ]
    weights = relative_weights([samples[index] for index in of])
    made = auroc_estimate(scores, positive, clusters, missing=missing, weights=weights)
    shown = made.clusters if made.clusters is not None and made.clusters < number else None
    return replace(made, n=number, clusters=shown)
