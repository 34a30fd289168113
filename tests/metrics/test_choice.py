"""Metrics over choices, against figures worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement, Metric
from lsm_eval.requests import Generated, Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample


def sample(choices: tuple[str, ...], target: tuple[int, ...] = (), **metadata: Any) -> Sample:
    return Sample("s", Score("q", choices), target, choices, metadata=metadata)


def scored(*logprobs: float, greedy: bool = False) -> Scored:
    return Scored(logprobs, (1,) * len(logprobs), (greedy,) * len(logprobs))


def measured(name: str, item: Sample, answer: Scored) -> Measurement:
    metric = create(name)
    assert isinstance(metric, Metric)
    found = metric.measure(item, answer)
    assert found is not None
    return found


def test_the_likeliest_choice_decides() -> None:
    item = sample(("yes", "no", "maybe"), (1,))
    assert measured("acc", item, scored(-3, -1, -2)) == Measurement((1.0, 1.0), 1.0)
    assert measured("acc", item, scored(-1, -3, -2)) == Measurement((0.0, 1.0), 0.0)


def test_an_exact_tie_counts_the_share_of_right_ones_whatever_their_order() -> None:
    for target in ((0,), (2,)):
        assert measured("acc", sample(("a", "b", "c"), target), scored(-1, -2, -1)) == Measurement(
            (0.5, 1.0), 0.5, tie=True
        )
    assert measured("acc", sample(("a", "b", "c"), (1,)), scored(-1, -2, -1)) == Measurement(
        (0.0, 1.0), 0.0, tie=True
    )


def test_impossible_choices_tie_instead_of_failing() -> None:
    assert measured("acc", sample(("a", "b"), (0,)), scored(-math.inf, -math.inf)).value == 0.5


def test_normalisation_divides_by_characters_or_bytes_of_the_bare_choice() -> None:
    # Sums prefer the first. Per character: -6/3 = -2 against -7/5 = -1.4. Per byte the first (3 bytes each
    # character) wins again: -6/9 against -7/5.
    item = sample(("一二三", "abcde"), (1,))
    answer = scored(-6, -7)
    assert measured("acc", item, answer).value == 0
    assert measured("acc_norm", item, answer).value == 1
    assert measured("acc_bytes", item, answer).value == 0


def test_an_empty_choice_is_never_preferred() -> None:
    for logprob in (-3.0, 0.0):
        assert measured("acc_norm", sample(("", "no"), (1,)), scored(logprob, -50)).value == 1


def test_pairs() -> None:
    pair = sample(("more", "less"))
    assert measured("prefers_first", pair, scored(-4, -5)).value == 1
    assert measured("prefers_first", pair, scored(-5, -4)).value == 0
    assert measured("prefers_first", pair, scored(-5, -5)) == Measurement((0.5, 1.0), 0.5, tie=True)
    assert measured("likelihood_difference", pair, scored(-4, -6.5)).value == 2.5
    assert create("prefers_first").higher_is_better is None


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="target"):
        measured("acc", sample(("a", "b")), scored(-1, -2))
    with pytest.raises(UserError, match="outside"):
        measured("acc", sample(("a", "b"), (2,)), scored(-1, -2))
    with pytest.raises(UserError, match=r"'acc' reads answers to score .* asks generate"):
        create("acc").measure(sample(("a",), (0,)), Generated("x", 1, "stop"))  # type: ignore[union-attr]
