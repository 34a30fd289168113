"""Answers that were cut off by their budget of tokens, and what a metric is whatever they would have been.

The rule, for local models and servers alike: an answer that ran out of tokens inside its thoughts is missing (`truncated`);
one that had begun is scored as it is, as the published harnesses do. Both count here, for metrics that grade a whole answer
as right or wrong (`Described.grades`): a task whose metrics grade none sets its texts a length by design.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsm_eval.metrics.base import CorpusMetric, Measurement
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.metrics.scoring import Selective
from lsm_eval.requests import Failure, Generated
from lsm_eval.results.schema import CutOffBounds, CutOffRow
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

WORTH_WARNING = 0.01
"""Share of a task's samples above which a run warns."""


def cut_off(
    samples: Sequence[Sample],
    responses: Sequence[SampleResponse],
    estimates: Sequence[tuple[Any, Estimate]],
    measurements: Sequence[Mapping[str, Measurement | None]],
) -> CutOffRow | None:
    """The answers of a task that were cut off, with bounds for each metric that grades; None where there are none. All but
    `estimates` run parallel. A sample of several answers counts where one of them was cut off."""
    cut = [_is_cut(response) for response in responses]
    grading = [metric for metric, _ in estimates if _grades(metric)]
    if not any(cut) or not grading:
        return None
    inside = sum(isinstance(response, Failure) for response, own in zip(responses, cut, strict=True) if own)
    rows = [_bounds(metric, samples, cut, measurements) for metric in grading]
    return CutOffRow(samples=sum(cut), in_thoughts=inside, bounds=rows)


def _grades(metric: Any) -> bool:
    mean = not isinstance(metric, CorpusMetric) and metric.mean
    grades = mean and bool(getattr(metric, "grades", False)) and metric.higher_is_better is True
    return grades and "[" not in metric.name  # of a group: the whole task's says it


def _is_cut(response: SampleResponse) -> bool:
    """Whether tokens ran out; who stops inside thoughts by itself is missing, and not cut off."""
    written = (part.written if isinstance(part, Failure) else part for part in parts(response))
    return any(isinstance(one, Generated) and one.finish == "length" for one in written)


def _bounds(
    metric: Any,
    samples: Sequence[Sample],
    cut: Sequence[bool],
    measurements: Sequence[Mapping[str, Measurement | None]],
) -> CutOffBounds:
    """Over means of (value, 1) by the samples' weights: the value 0 for each that was cut off, or none of them."""
    kept, lost = np.zeros(2), 0.0
    for sample, own, measured in zip(samples, cut, measurements, strict=True):
        found = measured.get(metric.name)
        if found is not None and not own:
            kept += sample.weight * np.array(found.statistics)
        elif own and (found is not None or not isinstance(metric, Selective) or metric.applies(sample)):
            lost += sample.weight
    wrong = kept + np.array([0.0, lost])
    return CutOffBounds(metric=metric.name, all_wrong=_value(metric, wrong), left_out=_value(metric, kept))


def _value(metric: Any, sums: Any) -> float | None:
    value = float(metric.aggregate(sums))
    return value if np.isfinite(value) else None
