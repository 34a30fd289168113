"""Answers that were cut off by their token limit, and bounds on the metrics whatever they would have been.

The rule, for local models and servers alike: an answer that ran out of tokens inside its thoughts is missing (`truncated`);
one that had begun is scored as it is, as the published harnesses do. Both are counted here, for metrics that grade a whole
answer as right or wrong (`Described.grades`, and every accuracy of choices that are written in a chat). Tasks without such
metrics limit the length of their texts by design.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from lsm_eval.metrics.base import CorpusMetric, Measurement
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.metrics.protocols import Selective
from lsm_eval.requests import Answer, Failure, Generated, Response
from lsm_eval.results.schema import CutOffBounds, CutOffRow
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

WORTH_WARNING = 0.01
"""Share of a task's samples above which a run warns."""


@runtime_checkable
class GradesSubset(Protocol):
    """A metric that grades only some of a sample's answers: the greedy one, or the sampled ones."""

    def graded(self, answers: Sequence[Answer]) -> Sequence[Answer]: ...


def cut_off(
    samples: Sequence[Sample],
    responses: Sequence[SampleResponse],
    estimates: Sequence[tuple[Any, Estimate]],
    measurements: Sequence[Mapping[str, Measurement | None]],
    *,
    chosen: bool = False,
) -> CutOffRow | None:
    """The answers of a task that were cut off, with bounds for each metric that grades; None if there are none. All lists
    but `estimates` are parallel. A sample with several answers counts if one of them was cut off. `chosen`: the answers are
    written choices with room for words around them, so that every accuracy grades them."""
    cut = [any(map(_is_cut, parts(response))) for response in responses]
    grading = [metric for metric, _ in estimates if _grades(metric, chosen)]
    if not any(cut) or not grading:
        return None
    inside = sum(_inside(response) for response, own in zip(responses, cut, strict=True) if own)
    rows = []
    for metric in grading:
        own_cut = [_cut_for(metric, response) for response in responses]
        if any(own_cut):
            rows.append(_bounds(metric, samples, own_cut, measurements))
    return CutOffRow(samples=sum(cut), in_thoughts=inside, bounds=rows) if rows else None


def _grades(metric: Any, chosen: bool) -> bool:
    if isinstance(metric, CorpusMetric) or not metric.mean or "[" in metric.name:
        return False  # for a group, the whole task's metric decides
    if not (chosen or getattr(metric, "grades", False)):
        return False
    return metric.higher_is_better is True or (metric.higher_is_better is False and metric.proportion)


def _is_cut(part: Response) -> bool:
    """Whether tokens ran out; a model that stops inside its thoughts by itself is missing, not cut off."""
    written = part.written if isinstance(part, Failure) else part
    return isinstance(written, Generated) and written.finish == "length"


def _cut_for(metric: Any, response: SampleResponse) -> bool:
    """Whether an answer that the metric grades was cut off."""
    own: Sequence[Any] = parts(response)
    inner = getattr(metric, "metric", metric)  # for a metric with groups, the metric itself
    if isinstance(inner, GradesSubset) and not isinstance(response, Failure):
        own = inner.graded(own)
    return any(map(_is_cut, own))


def _inside(response: SampleResponse) -> bool:
    """Whether it ended inside its thoughts, without an answer; an answer that names no choice is still an answer."""
    return isinstance(response, Failure) and response.reason == "truncated"


def _bounds(
    metric: Any,
    samples: Sequence[Sample],
    cut: Sequence[bool],
    measurements: Sequence[Mapping[str, Measurement | None]],
) -> CutOffBounds:
    """Bounds from sums of (value, 1) with the samples' weights: the worst value for each answer that was cut off, or without them."""
    kept, lost = np.zeros(2), 0.0
    for sample, own, measured in zip(samples, cut, measurements, strict=True):
        found = measured.get(metric.name)
        if found is not None and not own:
            kept += sample.weight * np.array(found.statistics)
        elif own and (found is not None or not isinstance(metric, Selective) or metric.applies(sample)):
            lost += sample.weight
    # The worst value is 0 if higher is better, otherwise 1.
    wrong = kept + np.array([0.0 if metric.higher_is_better else lost, lost])
    return CutOffBounds(metric=metric.name, all_wrong=_value(metric, wrong), left_out=_value(metric, kept))


def _value(metric: Any, sums: Any) -> float | None:
    value = float(metric.aggregate(sums))
    return value if np.isfinite(value) else None
