"""The effect of a perturbed wording on a task's numbers: change, consistency and worst case, on the same samples.

Change and consistency are paired: a sample counts if it was measured in both wordings, and the interval is that of the paired
differences, by cluster (of gains minus losses if the metric has a range). The worst case of a sample is its worst value over all
wordings; the mean of these is the result if an adversary chose the wording of each sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lsm_eval.metrics.base import AnyMetric, CorpusMetric, FloatArray, Measurement, Metric, Unit
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import ratio
from lsm_eval.metrics.joint import SampleResponse
from lsm_eval.metrics.weights import relative_weights
from lsm_eval.requests import Failure, Scored
from lsm_eval.robustness.change import change_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import Quantity, estimate, span_of
from lsm_eval.tasks.sample import Sample


class Outcome(Protocol):
    """The scored answers to a task in one wording."""

    @property
    def samples(self) -> Sequence[Sample]: ...

    @property
    def responses(self) -> Sequence[SampleResponse]: ...

    @property
    def estimates(self) -> Sequence[tuple[AnyMetric, Estimate]]: ...

    @property
    def measurements(self) -> Sequence[Mapping[str, Measurement | None]]: ...


@dataclass(frozen=True)
class Comparison:
    """A number computed from several wordings, with the attributes of a metric."""

    name: str
    unit: Unit
    higher_is_better: bool | None
    signature: str
    proportion: bool = False
    mean: bool = True

    def measure(self, sample: Sample, answer: object) -> Measurement | None:
        """Not supported: the number is computed from several runs of a task."""
        raise NotImplementedError

    def aggregate(self, sums: FloatArray) -> FloatArray:
        """Sums (value, count), shape [..., 2], to means [...]."""
        return ratio(sums[..., 0], sums[..., 1])


def compare(original: Outcome, variant: Outcome, *, seed: int) -> list[tuple[Comparison, Estimate]]:
    """`METRIC:change` for each metric that is a mean over samples, and `consistency`, of a variant."""
    found = []
    means = _means(original)
    for metric in means:
        pairs = [
            None if a is None or b is None else b - a
            for a, b in zip(_values(original, metric), _values(variant, metric), strict=True)
        ]
        described = Comparison(
            f"{metric.name}:change", metric.unit, metric.higher_is_better, f"change|{metric.signature}"
        )
        known, weights, clusters, missing = _known(pairs, (original, variant))
        change = change_estimate(known, clusters, span=span_of(metric), missing=missing, weights=weights)
        found.append((described, change))
    same, what = _consistency(original, variant, means)
    if same is not None:
        described = Comparison("consistency", "fraction", True, f"consistency|of:{what}", proportion=True)
        found.append((described, _mean(described, same, (original, variant), seed)))
    return found


def worst(
    original: Outcome, variants: Mapping[str, Outcome], *, seed: int
) -> list[tuple[Comparison, Estimate]]:
    """`METRIC:worst` over the original wording and all variants, for each metric with a better direction."""
    found = []
    for metric in _means(original):
        if metric.higher_is_better is None:
            continue
        pick = min if metric.higher_is_better else max
        columns = [_values(outcome, metric) for outcome in (original, *variants.values())]
        values = [
            None if any(value is None for value in row) else pick(value for value in row if value is not None)
            for row in zip(*columns, strict=True)
        ]
        over = ",".join(variants)
        described = Comparison(
            f"{metric.name}:worst",
            metric.unit,
            metric.higher_is_better,
            f"worst|over:original,{over}|seed:{seed}|{metric.signature}",
            metric.proportion,
        )
        found.append((described, _mean(described, values, (original, *variants.values()), seed)))
    return found


def _means(outcome: Outcome) -> list[Metric]:
    """The metrics that are means of their samples' values."""
    return [
        metric
        for metric, _ in outcome.estimates
        if not isinstance(metric, (CorpusMetric, Comparison)) and metric.mean
    ]


def _values(outcome: Outcome, metric: Metric) -> list[float | None]:
    own = (row.get(metric.name) for row in outcome.measurements)
    return [None if measured is None else measured.value for measured in own]


def _consistency(
    original: Outcome, variant: Outcome, means: Sequence[Metric]
) -> tuple[list[float | None] | None, str]:
    """For each sample 1 if the decision stayed the same, else 0 (None if unknown); and the name of the decision."""
    if any(isinstance(response, Scored) for response in original.responses):
        chosen = [
            [_choice(sample, response) for sample, response in zip(one.samples, one.responses, strict=True)]
            for one in (original, variant)
        ]
        pairs = zip(*chosen, strict=True)
        return [None if a is None or b is None else float(a == b) for a, b in pairs], "choice"
    if not means:
        return None, ""
    values = zip(_values(original, means[0]), _values(variant, means[0]), strict=True)
    return [None if a is None or b is None else float(a == b) for a, b in values], means[0].name


def _choice(sample: Sample, response: SampleResponse) -> frozenset[str] | None:
    """The chosen options, by their texts if the prompt labels them with letters."""
    if not isinstance(response, Scored):
        return None
    shown = sample.metadata.get("options", sample.choices)
    names = (
        shown if isinstance(shown, (list, tuple)) and len(shown) == len(sample.choices) else sample.choices
    )
    return frozenset(str(names[index]) for index in best(response.logprobs))


def _mean(
    quantity: Quantity, values: Sequence[float | None], outcomes: Sequence[Outcome], seed: int
) -> Estimate:
    known, weights, clusters, missing = _known(values, outcomes)
    rows = np.column_stack([known, np.ones(len(known))]) * weights[:, None]
    return estimate(quantity, rows, clusters, missing=missing, ties=0, seed=seed)


def _known(
    values: Sequence[float | None], outcomes: Sequence[Outcome]
) -> tuple[FloatArray, FloatArray, list[str | None], int]:
    """The known values, their samples' weights and clusters, and the number of samples that failed in at least one wording."""
    found = [
        (value, sample)
        for value, sample in zip(values, outcomes[0].samples, strict=True)
        if value is not None
    ]
    missing = sum(
        any(isinstance(response, Failure) for response in each)
        for each in zip(*(outcome.responses for outcome in outcomes), strict=True)
    )
    weights = relative_weights([sample for _, sample in found])
    return (
        np.array([value for value, _ in found], float),
        np.ones(len(found)) if weights is None else weights,
        [sample.cluster for _, sample in found],
        missing,
    )
