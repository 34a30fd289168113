"""The option `by`, which every per-sample metric takes: the metric over all samples, and again within each group.

`{acc: {by: category}}` gives `acc` and `acc[Age]`, `acc[Religion]`, …, each with its own interval, ties and missing
samples. The groups are the values of `metadata.category`; `by: category*context` crosses two keys
(`acc[Age, ambig]`). A sample whose value is null belongs to no group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.judging.reading import Judgement
from lsm_eval.judging.rubric import Question, Rubric
from lsm_eval.metrics.base import AnyMetric, CorpusMetric, FloatArray, Measurement, Metric, Unit
from lsm_eval.metrics.common import metadata
from lsm_eval.metrics.joint import JointMetric
from lsm_eval.metrics.judged import Judged, JudgedMetric, Verdicts
from lsm_eval.metrics.protocols import (
    Demanding,
    HasMoreMetrics,
    Interval,
    SeesSamples,
    Selective,
    WeightedInterval,
)
from lsm_eval.metrics.weights import weighs
from lsm_eval.requests import Answer
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

MOST_GROUPS = 200
"""More than this are not useful groups: nobody reads such a table."""


def keys_of(metric: str, by: Any) -> tuple[str, ...]:
    """The metadata keys that the option `by` names. Raises `UserError` if it names none."""
    keys = tuple(part.strip() for part in by.split("*")) if isinstance(by, str) else ()
    if not keys or not all(keys):
        raise UserError(
            f"metric {metric!r}: option 'by' must name a key of the task's `metadata`, or several joined by `*`, "
            f"not {by!r}: correct it in the task."
        )
    return keys


def grouped(metric: AnyMetric, by: str) -> Metric:
    """The metric, which also reveals one metric for each group. Raises `UserError` for a metric without per-sample
    statistics, or one that reveals metrics of its own."""
    keys = keys_of(metric.name, by)
    if isinstance(metric, CorpusMetric):
        raise UserError(
            f"metric {metric.name!r} exists over a whole set of samples only and takes no option 'by': leave it out, "
            "or make one task a group with `dataset.where`."
        )
    if isinstance(metric, HasMoreMetrics):
        raise UserError(
            f"metric {metric.name!r} names metrics of its own and takes no option 'by': leave it out."
        )
    made: Metric = _like(metric, _WithGroups)(metric, keys)
    return made


class _Forwarding:
    """A metric that forwards everything to another one unless a subclass overrides it."""

    def __init__(self, metric: Metric, keys: tuple[str, ...]) -> None:
        self.metric = metric
        self.keys = keys

    @property
    def name(self) -> str:
        return self.metric.name

    @property
    def unit(self) -> Unit:
        return self.metric.unit

    @property
    def higher_is_better(self) -> bool | None:
        return self.metric.higher_is_better

    @property
    def signature(self) -> str:
        # That of the metric over all samples: grouping does not change its value.
        return self.metric.signature

    @property
    def proportion(self) -> bool:
        return self.metric.proportion

    @property
    def mean(self) -> bool:
        return self.metric.mean

    @property
    def span(self) -> tuple[float, float] | None:
        return getattr(self.metric, "span", None)

    @property
    def reads_likelihood(self) -> bool:
        return bool(getattr(self.metric, "reads_likelihood", False))

    @property
    def grades(self) -> bool:
        return bool(getattr(self.metric, "grades", False))

    def aggregate(self, sums: FloatArray) -> FloatArray:
        return self.metric.aggregate(sums)

    def has(self, sample: Sample) -> bool:
        """Whether the sample belongs to this metric's group."""
        return True

    def check_task(self, request: str, draws: int) -> None:
        """As the metric does (`protocols.Demanding`)."""
        if isinstance(self.metric, Demanding):
            self.metric.check_task(request, draws)

    def applies(self, sample: Sample) -> bool:
        """Whether the sample would count, without looking at its answer (`protocols.Selective`)."""
        return self.has(sample) and (not isinstance(self.metric, Selective) or self.metric.applies(sample))

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.metric.measure(sample, answer) if self.has(sample) else None


class _WithGroups(_Forwarding):
    """The metric over all samples."""

    def __init__(self, metric: Metric, keys: tuple[str, ...]) -> None:
        super().__init__(metric, keys)
        self._named: dict[str, None] = {}

    def see_samples(self, samples: Sequence[Sample]) -> None:
        """Collects the groups, including those in which no sample is answered (`protocols.SeesSamples`)."""
        if isinstance(self.metric, SeesSamples):
            self.metric.see_samples(samples)
        found = (group_of(self.name, sample, self.keys) for sample in samples)
        self._named = dict.fromkeys(group for group in found if group is not None)
        if len(self._named) > MOST_GROUPS:
            raise UserError(
                f"metric {self.name!r}: `by: {'*'.join(self.keys)}` makes {len(self._named)} groups, and more than "
                f"{MOST_GROUPS} cannot be read: name a key with fewer values."
            )

    def more_metrics(self) -> Sequence[Metric]:
        """One metric for each group, in the order in which groups first occur; each is returned once."""
        groups, self._named = self._named, {}
        return [_like(self.metric, _OneGroup)(self.metric, self.keys, group) for group in groups]


class _OneGroup(_Forwarding):
    """The metric over one group's samples."""

    def __init__(self, metric: Metric, keys: tuple[str, ...], group: str) -> None:
        super().__init__(metric, keys)
        self.group = group

    @property
    def name(self) -> str:
        return f"{self.metric.name}[{self.group}]"

    @property
    def signature(self) -> str:
        return f"{self.metric.signature}|by:{'*'.join(self.keys)}={self.group}"

    def has(self, sample: Sample) -> bool:
        return group_of(self.metric.name, sample, self.keys) == self.group


class _Joint(_Forwarding):
    """For a metric that reads all answers of a sample."""

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        assert isinstance(self.metric, JointMetric)
        return self.metric.measure_all(sample, answers) if self.has(sample) else None


class _OwnInterval(_Forwarding):
    """For a metric that makes its own estimate."""

    @property
    def weighs(self) -> bool:
        return weighs(self.metric)

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        assert isinstance(self.metric, Interval)
        return self.metric.estimate(statistics, clusters, missing=missing, ties=ties, seed=seed)


class _OwnWeights(_Forwarding):
    """For a metric that weights its samples itself."""

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
        assert isinstance(self.metric, WeightedInterval)
        return self.metric.estimate_weighted(
            statistics, clusters, weights, missing=missing, ties=ties, seed=seed
        )


class _AsksJudge(_Forwarding):
    """For a metric that needs a judge; once bound to one, it groups the bound metric."""

    metric: Any

    @property
    def rubric(self) -> Rubric:
        return self.metric.rubric  # type: ignore[no-any-return]

    def questions(self, sample: Sample, answers: Sequence[Answer]) -> tuple[tuple[Question, ...], ...]:
        return self.metric.questions(sample, answers)  # type: ignore[no-any-return]

    def judged_by(self, verdicts: Verdicts) -> Metric:
        return grouped(self.metric.judged_by(verdicts), "*".join(self.keys))

    def judgements(self, sample: Sample, answers: Sequence[Answer]) -> list[dict[Question, Judgement]]:
        return self.metric.judgements(sample, answers)  # type: ignore[no-any-return]

    def judge(self, sample: Sample, answers: Sequence[Answer]) -> Judged:
        return self.metric.judge(sample, answers)  # type: ignore[no-any-return]


def group_of(metric: str, sample: Sample, keys: Sequence[str]) -> str | None:
    """The sample's group: its values of these keys, joined by commas; None if one of them is null."""
    values = [metadata(metric, sample, key) for key in keys]
    return None if any(value is None for value in values) else ", ".join(map(str, values))


def _like(metric: Metric, kind: type[Any]) -> type[Any]:
    """`kind` with those optional protocols that the metric has. An object with a protocol's methods is taken to have the
    protocol, so a single class with all of them would not do."""
    optional = (
        (_Joint, JointMetric),
        (_OwnInterval, Interval),
        (_OwnWeights, WeightedInterval),
        (_AsksJudge, JudgedMetric),
    )
    also = [cls for cls, has in optional if isinstance(metric, has)]
    return type(kind.__name__, (*also, kind), {}) if also else kind
