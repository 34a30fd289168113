"""From a task's samples and responses to its estimates and per-sample measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric, CorpusMetric, Measurement, Metric
from lsm_eval.requests import Failure, Response
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate, estimate_corpus
from lsm_eval.tasks.sample import Sample


@runtime_checkable
class Selective(Protocol):
    """A metric that not every sample has a say in; it can tell without an answer, so that a failed sample
    counts as missing only where it would have counted."""

    def applies(self, sample: Sample) -> bool: ...


def score_task(
    metrics: Sequence[AnyMetric], samples: Sequence[Sample], responses: Sequence[Response], *, seed: int
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
    # Sample by sample, so that metrics of one family find each other's work in their caches.
    for row, sample, response in zip(rows, samples, responses, strict=True):
        for metric in single:
            row[metric.name] = None if isinstance(response, Failure) else metric.measure(sample, response)

    found: dict[str, Estimate] = {}
    for metric in single:
        found[metric.name] = _estimate(metric, samples, responses, [row[metric.name] for row in rows], seed)
    for corpus_metric in whole:
        found[corpus_metric.name] = _estimate_corpus(corpus_metric, samples, responses, seed)
    return [(metric, found[metric.name]) for metric in metrics], rows


def _estimate(
    metric: Metric,
    samples: Sequence[Sample],
    responses: Sequence[Response],
    measurements: Sequence[Measurement | None],
    seed: int,
) -> Estimate:
    counted = [(s, m) for s, m in zip(samples, measurements, strict=True) if m is not None]
    if len({len(measurement.statistics) for _, measurement in counted}) > 1:
        raise UserError(f"metric {metric.name!r} gives statistics of different lengths: mend the metric.")
    return estimate(
        metric,
        np.array([measurement.statistics for _, measurement in counted], float),
        [sample.cluster for sample, _ in counted],
        missing=sum(
            isinstance(response, Failure) and (not isinstance(metric, Selective) or metric.applies(sample))
            for sample, response in zip(samples, responses, strict=True)
        ),
        ties=sum(measurement.tie for _, measurement in counted),
        seed=seed,
    )


def _estimate_corpus(
    metric: CorpusMetric, samples: Sequence[Sample], responses: Sequence[Response], seed: int
) -> Estimate:
    answered = [(s, r) for s, r in zip(samples, responses, strict=True) if not isinstance(r, Failure)]

    def compute(kept: Sequence[int]) -> float:
        return metric.compute([answered[i][0] for i in kept], [answered[i][1] for i in kept])

    return estimate_corpus(
        compute,
        [sample.cluster for sample, _ in answered],
        missing=len(samples) - len(answered),
        seed=seed,
    )
