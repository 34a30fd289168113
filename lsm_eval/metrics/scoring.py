"""From a task's samples and responses to its estimates and per-sample measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric, CorpusMetric, FloatArray, Measurement, Metric
from lsm_eval.metrics.joint import Answers, JointCorpusMetric, JointMetric, SampleResponse, parts
from lsm_eval.requests import Answer, Failure
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate, estimate_corpus
from lsm_eval.tasks.sample import Sample


@runtime_checkable
class Selective(Protocol):
    """A metric that not every sample has a say in; it can tell without an answer, so that a failed sample
    counts as missing only where it would have counted."""

    def applies(self, sample: Sample) -> bool: ...


@runtime_checkable
class Interval(Protocol):
    """A metric whose estimate is made in a way of its own (a rate corrected for its detector's errors)."""

    def estimate(
        self,
        statistics: FloatArray,
        clusters: Sequence[str | None],
        *,
        missing: int,
        ties: int,
        seed: int,
    ) -> Estimate:
        """As `statistics.intervals.estimate`, from this metric's statistics [n, k]."""
        ...


@runtime_checkable
class Revealing(Protocol):
    """A metric of a family that nobody can list before there are answers (a task's own Python names them)."""

    def revealed(self) -> Sequence[Metric]:
        """Metrics that have come to light since this was last asked."""
        ...


@runtime_checkable
class Surveying(Protocol):
    """A metric that looks at all samples before any is scored, those too that will fail (to know its groups)."""

    def survey(self, samples: Sequence[Sample]) -> None: ...


def score_task(
    metrics: Sequence[AnyMetric], samples: Sequence[Sample], responses: Sequence[SampleResponse], *, seed: int
) -> tuple[list[tuple[AnyMetric, Estimate]], list[dict[str, Measurement | None]]]:
    """Estimates, one a metric, and per-sample measurements by metric name, parallel to `samples`.

    A measurement is None where the sample failed or has no say; only failures count as missing. A corpus metric
    has no measurements. Raises UserError where two metrics share a name, or one cannot read these answers."""
    for name, count in Counter(metric.name for metric in metrics).items():
        if count > 1:
            raise UserError(f"{count} metrics of the task are called {name!r}: give them the option `name`.")
    if len(samples) != len(responses):
        raise ValueError(f"{len(samples)} samples have {len(responses)} responses")

    rows: list[dict[str, Measurement | None]] = [{} for _ in samples]
    whole = [metric for metric in metrics if isinstance(metric, CorpusMetric)]
    single = [metric for metric in metrics if not isinstance(metric, CorpusMetric)]
    for metric in single:
        if isinstance(metric, Surveying):
            metric.survey(samples)
    # Sample by sample, so that metrics of one family find each other's work in their caches.
    for row, sample, response in zip(rows, samples, responses, strict=True):
        for metric in single:
            row[metric.name] = None if isinstance(response, Failure) else _measure(metric, sample, response)
    new = [more for metric in single if isinstance(metric, Revealing) for more in metric.revealed()]
    for row, sample, response in zip(rows, samples, responses, strict=True):
        for metric in new:
            row[metric.name] = None if isinstance(response, Failure) else _measure(metric, sample, response)
    single += new

    found: dict[str, Estimate] = {}
    for metric in single:
        found[metric.name] = _estimate(metric, samples, responses, [row[metric.name] for row in rows], seed)
    for corpus_metric in whole:
        found[corpus_metric.name] = _estimate_corpus(corpus_metric, samples, responses, seed)
    return [(metric, found[metric.name]) for metric in [*metrics, *new]], rows


def _measure(metric: Metric, sample: Sample, response: Answer | Answers) -> Measurement | None:
    if not isinstance(response, Answers):
        return metric.measure(sample, response)
    if not isinstance(metric, JointMetric):
        raise UserError(
            f"metric {metric.name!r} reads one answer a sample, and sample {sample.id!r} has "
            f"{len(response.parts)}: take a metric that reads several."
        )
    return metric.measure_all(sample, response.parts)


def _estimate(
    metric: Metric,
    samples: Sequence[Sample],
    responses: Sequence[SampleResponse],
    measurements: Sequence[Measurement | None],
    seed: int,
) -> Estimate:
    counted = [(s, m) for s, m in zip(samples, measurements, strict=True) if m is not None]
    if len({len(measurement.statistics) for _, measurement in counted}) > 1:
        raise UserError(f"metric {metric.name!r} gives statistics of different lengths: mend the metric.")
    statistics = np.array([measurement.statistics for _, measurement in counted], float)
    clusters = [sample.cluster for sample, _ in counted]
    missing = sum(
        isinstance(response, Failure) and _counts(metric, sample)
        for sample, response in zip(samples, responses, strict=True)
    )
    ties = sum(measurement.tie for _, measurement in counted)
    if isinstance(metric, Interval):
        return metric.estimate(statistics, clusters, missing=missing, ties=ties, seed=seed)
    return estimate(metric, statistics, clusters, missing=missing, ties=ties, seed=seed)


def _counts(metric: AnyMetric, sample: Sample) -> bool:
    """Whether the sample has a say in the metric."""
    if not isinstance(metric, Selective):
        return True
    try:
        return metric.applies(sample)
    except (UserError, TypeError, ValueError, LookupError, AttributeError):
        if sample.missing is None:
            raise
        return True  # what would tell is what is missing


def _estimate_corpus(
    metric: CorpusMetric, samples: Sequence[Sample], responses: Sequence[SampleResponse], seed: int
) -> Estimate:
    counting = [
        (sample, response)
        for sample, response in zip(samples, responses, strict=True)
        if _counts(metric, sample)
    ]
    answered = [
        (sample, [part for part in parts(response) if not isinstance(part, Failure)])
        for sample, response in counting
        if not isinstance(response, Failure)
    ]
    several = next((sample for sample, own in answered if len(own) > 1), None)
    if several is not None and not isinstance(metric, JointCorpusMetric):
        raise UserError(
            f"metric {metric.name!r} reads one answer a sample, and sample {several.id!r} has more: take a metric "
            "that reads several."
        )

    def compute(kept: Sequence[int]) -> float:
        chosen = [answered[i][0] for i in kept]
        if isinstance(metric, JointCorpusMetric):
            return metric.compute_all(chosen, [answered[i][1] for i in kept])
        return metric.compute(chosen, [answered[i][1][0] for i in kept])

    return estimate_corpus(
        compute,
        [sample.cluster for sample, _ in answered],
        missing=len(counting) - len(answered),
        seed=seed,
    )
