"""The mean over drawn answers, and the components of its variance: between questions, and between draws of one question."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lsm_eval.composed.rule import Spec
from lsm_eval.composed.sampled_answers import OfDraws
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray, Measurement, Metric, Unit
from lsm_eval.metrics.common import MeanMetric, counted, ratio
from lsm_eval.requests import Answer
from lsm_eval.statistics import components
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


def draws_mean(*, of: Spec = "exact_match", parts: bool = True, name: str | None = None) -> Metric:
    """`draws_mean`, with or without the components of its variance."""
    return _PartedMean(of=of, name=name) if parts else DrawsMean(of=of, fewest=1, name=name)


class DrawsMean(OfDraws):
    """`draws_mean`: the mean over questions of the mean of `of` over their draws. Statistics (mean, 1).

    Further rows (`statistics.components`): NAME`.between_questions` and NAME`.between_draws`, the variances of the questions'
    true means and of single draws around them, and NAME`.share_of_draws`, the share of the mean's squared standard error that
    more draws would remove. `parts: false` leaves them out."""

    default_name = "draws_mean"
    grades = True

    def __init__(self, *, of: Spec, fewest: int, name: str | None) -> None:
        super().__init__(of=of, fewest=fewest, name=name)
        self.unit, self.higher_is_better = self.of.unit, self.of.higher_is_better

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        values = self.values(sample, answers)
        return None if values is None else counted(float(np.mean(values)))


class _PartedMean(DrawsMean):
    """The mean with its further rows."""

    def __init__(self, *, of: Spec, name: str | None) -> None:
        super().__init__(of=of, fewest=2, name=name)
        if self.unit not in ("fraction", "points"):
            raise UserError(
                f"metric {self.name!r}: {self.of.name!r} has no highest value, and the parts of its variance no "
                "interval: set `parts: false`."
            )

    def more_metrics(self) -> Sequence[Metric]:
        """The rows (`protocols.HasMoreMetrics`)."""
        return [_Questions(self), _Draws(self), _Share(self)]


class _Part(MeanMetric):
    """A component of the variance. Statistics (1, mean, mean², variance over the draws, number of draws)."""

    kind: ClassVar[str]
    unit: Unit = "other"
    higher_is_better = None
    mean = False

    def __init__(self, whole: DrawsMean) -> None:
        super().__init__(f"{whole.name}.{self.kind}")
        self.whole = whole

    @property
    def signature(self) -> str:
        return f"{self.whole.signature}|{self.kind}"

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        values = self.whole.values(sample, answers)
        if values is None:
            return None
        mean = float(np.mean(values))
        return Measurement((1.0, mean, mean**2, float(np.var(values, ddof=1)), float(len(values))))

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        rows = np.asarray(statistics, float).reshape(len(clusters), 5)
        draws = int(rows[0, 4]) if len(rows) else 2
        return self.of_rows(rows[:, :4], draws, clusters, missing)

    @abstractmethod
    def of_rows(
        self, rows: FloatArray, draws: int, clusters: Sequence[str | None], missing: int
    ) -> Estimate: ...

    @property
    def top(self) -> float:
        """The highest possible score of a draw."""
        return 100.0 if self.whole.unit == "points" else 1.0


class _Questions(_Part):
    kind = "between_questions"

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 5] to the component [...]."""
        return components.questions(sums[..., :4], _number(sums))

    def of_rows(self, rows: FloatArray, draws: int, clusters: Sequence[str | None], missing: int) -> Estimate:
        return components.between_questions(rows, draws, self.top, clusters, missing=missing)


class _Draws(_Part):
    kind = "between_draws"

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 5] to the component [...]."""
        return ratio(sums[..., 3], sums[..., 0])

    def of_rows(self, rows: FloatArray, draws: int, clusters: Sequence[str | None], missing: int) -> Estimate:
        return components.between_draws(rows, draws, self.top, clusters, missing=missing)


class _Share(_Part):
    kind = "share_of_draws"
    unit: Unit = "fraction"

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 5] to the component [...]."""
        return np.asarray(np.minimum(components.share(sums[..., :4], _number(sums)), 1.0))

    def of_rows(self, rows: FloatArray, draws: int, clusters: Sequence[str | None], missing: int) -> Estimate:
        return components.share_of_draws(rows, draws, self.top, clusters, missing=missing)


def _number(sums: FloatArray) -> FloatArray:
    """Mean number of draws of a question."""
    return ratio(sums[..., 4], sums[..., 0])
