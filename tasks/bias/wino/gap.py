"""The gap between two groups: any per-sample metric over one group minus the same metric over another.

The two groups' statistics are side by side. The interval is Newcombe's, from those of the two groups
(`statistics.parts`). If the two members of a pair are in one cluster (a sentence with `he` and with `she`), their
correlation narrows it to that of paired differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import CorpusMetric, FloatArray, Measurement, Metric, Unit
from lsm_eval.metrics.common import Described, metadata
from lsm_eval.metrics.joint import JointMetric
from lsm_eval.metrics.protocols import HasMoreMetrics, Interval, Selective
from lsm_eval.requests import Answer
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined
from lsm_eval.tasks.sample import Sample


def gap(
    *,
    of: str | dict[str, dict[str, Any]] = "acc",
    between: str = "condition",
    high: str = "pro",
    low: str = "anti",
    name: str | None = None,
    offline: bool = False,
) -> Metric:
    """`gap`: the metric `of` over samples whose `metadata.<between>` is `high`, minus the same over `low`.

    `of` is a metric's name, or one name with its options. Raises `UserError` for a metric without per-sample
    statistics, or with an interval of its own."""
    from lsm_eval.scoring import registry

    metric = registry.create(of, offline=offline)
    if isinstance(metric, (CorpusMetric, Interval, HasMoreMetrics)):
        raise UserError(
            f"metric 'gap' needs a metric that is a plain function of sums over samples, and {metric.name!r} is none: "
            "choose another for its option 'of'."
        )
    if high == low:
        raise UserError(f"metric 'gap': 'high' and 'low' are both {high!r}: name two values of {between!r}.")
    kind = _JointGap if isinstance(metric, JointMetric) else Gap
    return kind(metric, between, high, low, name)


class Gap(Described):
    """The metric `gap`. Statistics: those of the metric over `high`, then those over `low`."""

    default_name = "gap"
    weighs = True
    higher_is_better = None

    def __init__(self, of: Metric, between: str, high: str, low: str, name: str | None) -> None:
        super().__init__(name)
        self.of, self.between, self.high, self.low = of, between, high, low
        self.reads_likelihood = bool(getattr(of, "reads_likelihood", False))

    @property
    def unit(self) -> Unit:  # type: ignore[override]
        """The metric's unit, with a sign: from -1 to 1 for a fraction."""
        return self.of.unit

    def options(self) -> dict[str, str]:
        return {"of": self.of.signature, "between": self.between, "high": self.high, "low": self.low}

    def applies(self, sample: Sample) -> bool:
        """Whether the sample is in one of the two groups and the metric counts it."""
        if self._group(sample) not in (self.high, self.low):
            return False
        return not isinstance(self.of, Selective) or self.of.applies(sample)

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        if self._group(sample) not in (self.high, self.low):
            return None
        return self._placed(sample, self.of.measure(sample, answer))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums [..., 2k] to differences [...]; NaN if the metric is undefined over one of the groups."""
        sums = np.asarray(sums, float)
        half = sums.shape[-1] // 2
        return np.subtract(self.of.aggregate(sums[..., :half]), self.of.aggregate(sums[..., half:]))

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """The difference with Newcombe's interval, from statistics [n, 2k]."""
        half = np.shape(statistics)[-1] // 2
        parts = Part(1.0, slice(0, half), self.of), Part(-1.0, slice(half, None), self.of)
        return combined(parts, statistics, clusters, missing=missing, ties=ties, seed=seed)

    def _group(self, sample: Sample) -> str:
        return str(metadata(self.name, sample, self.between))

    def _placed(self, sample: Sample, measured: Measurement | None) -> Measurement | None:
        if measured is None:
            return None
        none = (0.0,) * len(measured.statistics)
        first = self._group(sample) == self.high
        both = (*measured.statistics, *none) if first else (*none, *measured.statistics)
        return Measurement(both, measured.value, measured.tie)


class _JointGap(Gap):
    """For a metric that reads several answers per sample."""

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        if self._group(sample) not in (self.high, self.low):
            return None
        assert isinstance(self.of, JointMetric)
        return self._placed(sample, self.of.measure_all(sample, answers))
