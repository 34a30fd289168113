"""The option `of`: a metric that scores answers as right or wrong, for the metrics that are built on it."""

from __future__ import annotations

from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import CorpusMetric, Metric
from lsm_eval.metrics.judged import JudgedMetric
from lsm_eval.metrics.protocols import HasMoreMetrics

Spec = str | dict[str, dict[str, Any]]


def rule(metric: str, of: Spec) -> Metric:
    """The metric that `of` names, which must be a plain mean over samples. Raises `UserError` if there is none of that
    name, or it is another kind of metric. `metric` is the name of the metric with the option, for errors."""
    from lsm_eval.scoring.registry import create

    if isinstance(of, dict) and len(of) != 1:
        raise UserError(
            f"metric {metric!r}: `of` is a metric's name, or a mapping of one name to its options; got {of!r}."
        )
    made = create(of)
    if isinstance(made, (CorpusMetric, JudgedMetric, HasMoreMetrics)) or not made.mean:
        raise UserError(
            f"metric {metric!r}: `of` is to tell a right answer from a wrong one, and {made.name!r} is no mean over "
            "answers that can be told by themselves: choose one such as exact_match."
        )
    return made
