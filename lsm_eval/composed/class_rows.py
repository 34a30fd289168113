"""The rows of each class that accompany macro-F1: F1, precision, recall and support."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, cast

import numpy as np

from lsm_eval.metrics.base import FloatArray, Measurement, Unit
from lsm_eval.metrics.common import MeanMetric, ratio
from lsm_eval.requests import Answer
from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.macro import macro_f1_estimate
from lsm_eval.tasks.sample import Sample

Row = Literal["f1", "precision", "recall", "support"]


@dataclass(frozen=True, slots=True)
class Told:
    """True and predicted class of one sample."""

    true: int
    """Index of the true class."""
    predicted: tuple[float, ...]
    """For each class: 1, a share if choices are tied, or 0."""
    tie: bool = False


class Classified(Protocol):
    """A metric that knows each sample's true class and predicted class."""

    labels: tuple[str, ...] | None

    @property
    def name(self) -> str: ...

    @property
    def signature(self) -> str: ...

    @property
    def reads_likelihood(self) -> bool: ...

    def told(self, sample: Sample, answer: Answer) -> Told:
        """The sample's true class, and the class predicted by this answer."""
        ...

    def class_of(self, sample: Sample) -> int | None:
        """Index of the sample's class, without looking at its answer; None if its task or data do not give it."""
        ...


class ClassRow(MeanMetric):
    """A number of one class."""

    kind: ClassVar[Row]

    def __init__(self, macro: Classified, number: int) -> None:
        self.macro, self.number = macro, number
        self.label = (macro.labels or ())[number]
        super().__init__(f"{macro.name}.{self.kind}[{self.label}]")

    @property
    def signature(self) -> str:
        return f"{self.macro.signature}|{self.kind}:{self.label}"

    @property
    def reads_likelihood(self) -> bool:  # type: ignore[override]
        return self.macro.reads_likelihood

    @abstractmethod
    def measure(self, sample: Sample, answer: Answer) -> Measurement | None: ...

    def found(self, sample: Sample, answer: Answer) -> tuple[float, float, bool]:
        """How far the class is predicted (0 to 1), whether it is the true one (1 or 0), and whether choices tied."""
        result = self.macro.told(sample, answer)
        return result.predicted[self.number], float(result.true == self.number), result.tie


class _F1Row(ClassRow):
    """F1 of one class. Statistics (hit, predicted, true)."""

    kind = "f1"
    mean = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        predicted, true, tie = self.found(sample, answer)
        return Measurement((predicted * true, predicted, true), tie=tie and predicted > 0)

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 3] to F1 [...]; NaN if the class is neither true nor predicted."""
        return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The estimate of `statistics.macro` over one class."""
        return self._estimate(statistics, clusters, None, missing, ties)

    def estimate_weighted(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray,
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The same for weighted samples (`protocols.WeightedInterval`)."""
        return self._estimate(statistics, clusters, weights, missing, ties)

    def _estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray | None,
        missing: int,
        ties: int,
    ) -> Estimate:
        hits, predicted, true = np.hsplit(np.asarray(statistics, float).reshape(len(clusters), 3), 3)
        return macro_f1_estimate(
            hits, predicted, true, [self.label], clusters, missing=missing, ties=ties, weights=weights
        )


class _PrecisionRow(ClassRow):
    """Precision, over the samples predicted as the class."""

    kind = "precision"

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        predicted, true, tie = self.found(sample, answer)
        return Measurement((predicted * true, predicted), true, tie) if predicted else None


class _RecallRow(ClassRow):
    """Recall, over the samples of the class."""

    kind = "recall"
    proportion = True

    def applies(self, sample: Sample) -> bool:
        """Whether the sample belongs to the class."""
        return self.macro.class_of(sample) == self.number

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        predicted, true, tie = self.found(sample, answer)
        return Measurement((predicted, 1.0), predicted, tie and predicted > 0) if true else None


class _SupportRow(ClassRow):
    """Support: the number of samples of the class. It is a count, not an estimate."""

    kind = "support"
    unit: Unit = "other"
    higher_is_better = None
    mean = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return Measurement((self.found(sample, answer)[1],))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        return cast(FloatArray, np.asarray(sums, float)[..., 0])

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The count."""
        base = basis(clusters, missing=missing)
        return base.empty() or base.result(float(np.sum(statistics)), "none (a count)")

    def estimate_weighted(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        weights: FloatArray,
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The count of the samples; their weights are ignored (`protocols.WeightedInterval`)."""
        return self.estimate(statistics, clusters, missing=missing, ties=ties, seed=seed)


KINDS: dict[Row, type[ClassRow]] = {
    "f1": _F1Row,
    "precision": _PrecisionRow,
    "recall": _RecallRow,
    "support": _SupportRow,
}
