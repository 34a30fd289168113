"""Answers that were cut off by their budget of tokens, and what a metric is whatever they would have been.

The rule, for local models and servers alike: an answer that ran out of tokens inside its thoughts is missing (`truncated`);
one that had begun is scored as it is, as the published harnesses do. Both count here, for metrics that grade a whole answer
as right or wrong (`Described.grades`, and every accuracy of choices that are written in a chat): a task whose metrics grade
none sets its texts a length by design.
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
class GradesSome(Protocol):
    """A metric that grades some of a sample's answers only: the greedy one, or those that were drawn."""

    def graded(self, answers: Sequence[Answer]) -> Sequence[Answer]: ...


def cut_off(
    samples: Sequence[Sample],
    responses: Sequence[SampleResponse],
    estimates: Sequence[tuple[Any, Estimate]],
    measurements: Sequence[Mapping[str, Measurement | None]],
    *,
    chosen: bool = False,
) -> CutOffRow | None:
    """The answers of a task that were cut off, with bounds for each metric that grades; None where there are none. All but
    `estimates` run parallel. A sample of several answers counts where one of them was cut off. `chosen`: the answers are
    choices that were written with room for words around them, so that every accuracy grades them."""
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
        return False  # of a group: the whole task's says it
    if not (chosen or getattr(metric, "grades", False)):
        return False
    return metric.higher_is_better is True or (metric.higher_is_better is False and metric.proportion)


def _is_cut(part: Response) -> bool:
    """Whether tokens ran out; who stops inside thoughts by itself is missing, and not cut off."""
    written = part.written if isinstance(part, Failure) else part
    return isinstance(written, Generated) and written.finish == "length"


def _cut_for(metric: Any, response: SampleResponse) -> bool:
    """Whether an answer that the metric grades was cut off."""
    own: Sequence[Any] = parts(response)
    inner = getattr(metric, "metric", metric)  # of one with groups, the metric itself
    if isinstance(inner, GradesSome) and not isinstance(response, Failure):
        own = inner.graded(own)
    return any(map(_is_cut, own))


def _inside(response: SampleResponse) -> bool:
    """Whether it has no answer for that; one that names no choice has one."""
    return isinstance(response, Failure) and response.reason == "truncated"


def _bounds(
    metric: Any,
    samples: Sequence[Sample],
    cut: Sequence[bool],
    measurements: Sequence[Mapping[str, Measurement | None]],
) -> CutOffBounds:
    """Over means of (value, 1) by the samples' weights: the worst value for each that was cut off, or none of them."""
    kept, lost = np.zeros(2), 0.0
    for sample, own, measured in zip(samples, cut, measurements, strict=True):
        found = measured.get(metric.name)
        if found is not None and not own:
            kept += sample.weight * np.array(found.statistics)
        elif own and (found is not None or not isinstance(metric, Selective) or metric.applies(sample)):
            lost += sample.weight
    # The worst share of right ones is 0, and of wrong ones 1.
    wrong = kept + np.array([0.0 if metric.higher_is_better else lost, lost])
    return CutOffBounds(metric=metric.name, all_wrong=_value(metric, wrong), left_out=_value(metric, kept))


def _value(metric: Any, sums: Any) -> float | None:
    value = float(metric.aggregate(sums))
    return value if np.isfinite(value) else None
