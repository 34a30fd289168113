"""From a task's samples and responses to its estimates and per-sample measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial

import numpy as np

from lsm_eval.errors import Interrupted, UserError
from lsm_eval.metrics.base import AnyMetric, CorpusMetric, Measurement, Metric
from lsm_eval.metrics.joint import Answers, JointCorpusMetric, JointMetric, SampleResponse, order_only, parts
from lsm_eval.metrics.protocols import (
    CorpusInterval,
    HasMoreMetrics,
    Interval,
    SeesSamples,
    Selective,
    WeightedInterval,
)
from lsm_eval.metrics.weights import relative_weights, unweighted, weighs
from lsm_eval.plugins import calling, fault
from lsm_eval.requests import Answer, Failure
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate, estimate_corpus
from lsm_eval.tasks.sample import Sample

NO_LIKELIHOOD = "none (no likelihoods, but an order of the choices)"
"""Stands in place of an interval's method if a metric of likelihoods has no value for that reason."""

_THEN = "mend the metric, or what the task's data and metadata give it"


def score_task(
    metrics: Sequence[AnyMetric], samples: Sequence[Sample], responses: Sequence[SampleResponse], *, seed: int
) -> tuple[list[tuple[AnyMetric, Estimate]], list[dict[str, Measurement | None]]]:
    """Returns one estimate per metric, and per-sample measurements by metric name, parallel to `samples`.

    A measurement is None if the sample failed or is not counted; only failures count as missing. For a metric that reads
    likelihoods (`reads_likelihood`), an answer that only orders the choices is a failure. A corpus metric has no
    measurements. Raises `UserError` if two metrics have the same name, or one cannot read these answers."""
    for name, count in Counter(metric.name for metric in metrics).items():
        if count > 1:
            raise UserError(f"{count} metrics of the task are called {name!r}: give them the option `name`.")
    if len(samples) != len(responses):
        raise ValueError(f"{len(samples)} samples have {len(responses)} responses")

    rows: list[dict[str, Measurement | None]] = [{} for _ in samples]
    whole = [metric for metric in metrics if isinstance(metric, CorpusMetric)]
    single = [metric for metric in metrics if not isinstance(metric, CorpusMetric)]
    see_samples(single, samples)
    # Sample by sample, so that metrics of one family share cached results.
    for row, sample, response in zip(rows, samples, responses, strict=True):
        for metric in single:
            row[metric.name] = _measure(metric, sample, response)
    new = [more for metric in single for more in _revealed(metric)]
    for row, sample, response in zip(rows, samples, responses, strict=True):
        for metric in new:
            row[metric.name] = _measure(metric, sample, response)
    single += new

    found: dict[str, Estimate] = {}
    for metric in single:
        with _calling(metric, "over all samples"):
            found[metric.name] = _estimate(
                metric, samples, responses, [row[metric.name] for row in rows], seed
            )
    for corpus_metric in whole:
        with _calling(corpus_metric, "over all samples"):
            found[corpus_metric.name] = _estimate_corpus(corpus_metric, samples, responses, seed)
    return [(metric, found[metric.name]) for metric in [*metrics, *new]], rows


def see_samples(metrics: Sequence[AnyMetric], samples: Sequence[Sample]) -> None:
    """Shows all samples to the metrics that need them (`SeesSamples`), which also completes their signatures."""
    for metric in metrics:
        if isinstance(metric, SeesSamples):
            with _calling(metric, "over all samples"):
                metric.see_samples(samples)


def _fails(metric: AnyMetric, response: SampleResponse) -> bool:
    """Whether the metric cannot read anything in a response."""
    return isinstance(response, Failure) or _without_likelihood(metric, response)


def _without_likelihood(metric: AnyMetric, response: SampleResponse) -> bool:
    return bool(getattr(metric, "reads_likelihood", False)) and order_only(response)


def _with_reason(metric: AnyMetric, responses: Sequence[SampleResponse], made: Estimate) -> Estimate:
    """The estimate, with a method that says so if there is no value for lack of likelihoods."""
    lacking = made.n == 0 and any(_without_likelihood(metric, response) for response in responses)
    return replace(made, method=NO_LIKELIHOOD) if lacking else made


def _calling(metric: AnyMetric, of: str) -> AbstractContextManager[None]:
    """Turns whatever a metric raises into one sentence."""
    return calling(f"metric {metric.name!r} {of}", _THEN)


def _revealed(metric: Metric) -> Sequence[Metric]:
    if not isinstance(metric, HasMoreMetrics):
        return ()
    with _calling(metric, "over all samples"):
        return list(metric.more_metrics())


def _measure(metric: Metric, sample: Sample, response: SampleResponse) -> Measurement | None:
    if isinstance(response, Failure) or _without_likelihood(metric, response):
        return None
    try:  # `calling` costs more time than many metrics
        measured = _measured(metric, sample, response)
    except (UserError, Interrupted, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise fault(error, f"metric {metric.name!r} on sample {sample.id!r}", _THEN) from error
    if measured is not None and not isinstance(measured, Measurement):
        raise UserError(
            f"metric {metric.name!r} gives {type(measured).__name__} for sample {sample.id!r}, and no Measurement (see "
            "lsm_eval.metrics.base): mend the metric."
        )
    return measured


def _measured(metric: Metric, sample: Sample, response: Answer | Answers) -> Measurement | None:
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
        _fails(metric, response) and _counts(metric, sample)
        for sample, response in zip(samples, responses, strict=True)
    )
    ties = sum(measurement.tie for _, measurement in counted)
    how = metric.estimate if isinstance(metric, Interval) else partial(estimate, metric)
    weights = relative_weights([sample for sample, _ in counted])
    if weights is not None:
        if isinstance(metric, WeightedInterval):
            how = partial(metric.estimate_weighted, weights=weights)
            made = how(statistics, clusters, missing=missing, ties=ties, seed=seed)
            return _with_reason(metric, responses, made)
        if isinstance(metric, Interval) and not weighs(metric):
            return unweighted(len(counted), missing, ties)
        statistics = statistics * weights[:, None]
    return _with_reason(metric, responses, how(statistics, clusters, missing=missing, ties=ties, seed=seed))


def _counts(metric: AnyMetric, sample: Sample) -> bool:
    """Whether the metric counts the sample."""
    if not isinstance(metric, Selective):
        return True
    try:
        return metric.applies(sample)
    except (UserError, TypeError, ValueError, LookupError, AttributeError):
        if sample.missing is None:
            raise
        return True  # only the missing answer could tell


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
        if not _fails(metric, response)
    ]
    own_weights = isinstance(metric, CorpusInterval) and weighs(metric)
    if not own_weights and relative_weights([sample for sample, _ in answered]) is not None:
        return unweighted(len(answered), len(counting) - len(answered))
    several = next((sample for sample, own in answered if len(own) > 1), None)
    if several is not None and not isinstance(metric, JointCorpusMetric):
        raise UserError(
            f"metric {metric.name!r} reads one answer a sample, and sample {several.id!r} has more: take a metric "
            "that reads several."
        )

    if isinstance(metric, CorpusInterval):
        given = [sample for sample, _ in answered], [own for _, own in answered]
        own_made = metric.estimate_corpus(*given, missing=len(counting) - len(answered))
        return _with_reason(metric, responses, own_made)

    def compute(kept: Sequence[int]) -> float:
        chosen = [answered[i][0] for i in kept]
        if isinstance(metric, JointCorpusMetric):
            return metric.compute_all(chosen, [answered[i][1] for i in kept])
        return metric.compute(chosen, [answered[i][1][0] for i in kept])

    made = estimate_corpus(
        compute,
        [sample.cluster for sample, _ in answered],
        missing=len(counting) - len(answered),
        seed=seed,
        span=getattr(metric, "span", None),
    )
    return _with_reason(metric, responses, made)
