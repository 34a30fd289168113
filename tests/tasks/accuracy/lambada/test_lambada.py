"""LAMBADA's metrics, against figures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement, Metric
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample


def measured(name: str, *logprobs: float, greedy: bool = False) -> Measurement:
    """What a metric says of continuations with these log-probabilities."""
    number = len(logprobs)
    choices = ("word", "other")[:number]
    metric = create(name)
    assert isinstance(metric, Metric)
    sample = Sample("s", Score("q", choices), (0,), choices)
    found = metric.measure(sample, Scored(logprobs, (1,) * number, (greedy,) * number))
    assert found is not None
    return found


def test_greedy_match() -> None:
    assert measured("greedy_match", -1, greedy=True).value == 1
    assert measured("greedy_match", -1).value == 0


def test_target_perplexity_is_of_the_mean() -> None:
    metric = create("target_perplexity")
    assert isinstance(metric, Metric)
    rows = [measured("target_perplexity", logprob).statistics for logprob in (-1.0, -2.0, -6.0)]
    assert metric.aggregate(np.array(rows).sum(0)) == pytest.approx(math.exp(3))


def test_two_continuations_are_a_mistake() -> None:
    with pytest.raises(UserError, match="one continuation"):
        measured("greedy_match", -1, -2)
