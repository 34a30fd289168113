"""TruthfulQA's multiple choice, against figures worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement, Metric
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample


def sample(choices: tuple[str, ...], target: tuple[int, ...] = (), **metadata: Any) -> Sample:
    return Sample("s", Score("q", choices), target, choices, metadata=metadata)


def scored(*logprobs: float) -> Scored:
    return Scored(logprobs, (1,) * len(logprobs), (False,) * len(logprobs))


def measured(name: str, item: Sample, answer: Scored) -> Measurement:
    metric = create(name)
    assert isinstance(metric, Metric)
    found = metric.measure(item, answer)
    assert found is not None
    return found


def test_it_reads_each_set_by_its_labels() -> None:
    # The third choice is likeliest but belongs to MC2 only, the last to MC1 only.
    item = sample(tuple("abcd"), mc1_labels=[1, 0, None, 0], mc2_labels=[1, 0, 1, None])
    answer = scored(math.log(0.2), math.log(0.1), math.log(0.4), math.log(0.15))
    assert measured("truthfulqa_mc1", item, answer).value == 1
    assert measured("truthfulqa_mc2", item, answer).value == pytest.approx(0.6 / 0.7)


def test_it_falls_back_on_the_target() -> None:
    item = sample(("a", "b"), (1,))
    assert measured("truthfulqa_mc1", item, scored(-1, -2)).value == 0
    assert measured("truthfulqa_mc2", item, scored(math.log(0.25), math.log(0.75))).value == pytest.approx(
        0.75
    )


def test_mc2_does_not_underflow() -> None:
    item = sample(("a", "b"), (0,))
    assert measured("truthfulqa_mc2", item, scored(-2000, -2000 - math.log(3))).value == pytest.approx(0.75)
    assert measured("truthfulqa_mc2", item, scored(-math.inf, -math.inf)).value == 0.5


@pytest.mark.parametrize("labels", [[1], [0, 0], [1, 2], "10"])
def test_it_refuses_labels_that_do_not_fit(labels: object) -> None:
    with pytest.raises(UserError, match="mc1_labels"):
        measured("truthfulqa_mc1", sample(("a", "b"), (0,), mc1_labels=labels), scored(-1, -2))
