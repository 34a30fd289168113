"""Choices shown in several orders: what the text decides, and what the order does."""

from __future__ import annotations

from typing import Any

import pytest

from lsm_eval.benchmarks.hallucination.truthfulqa.code import (
    OrdersAccuracy,
    OrdersAllRight,
    OrdersConsistency,
    OrdersFirst,
)
from lsm_eval.errors import UserError
from lsm_eval.metrics.joint import JointMetric
from lsm_eval.requests import Score, Scored
from lsm_eval.tasks.sample import Sample

METRICS = (OrdersAccuracy, OrdersAllRight, OrdersConsistency, OrdersFirst)
REQUEST = Score("q", (" A", " B"))


def item(orders: Any = ((1, 0), (0, 1)), target: int = 1) -> Sample:
    """The right text is 0; it stands at B first, and at A then."""
    return Sample("s", REQUEST, (target,), ("A", "B"), metadata={"orders": orders}, further=(REQUEST,))


def says(letter: int | None, letters: int = 2) -> Scored:
    """An answer for one letter, or for none."""
    return Scored(tuple(0.0 if index == letter else -1.0 for index in range(letters)), (), ())


def values(answers: list[Scored], sample: Sample | None = None) -> list[float]:
    found = []
    for metric in METRICS:
        assert isinstance(metric(), JointMetric)
        measured = metric().measure_all(sample or item(), answers)
        assert measured.value is not None
        found.append(measured.value)
    return found


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ((1, 0), [1.0, 1.0, 1.0, 0.5]),  # reads the text, and is right
        ((0, 1), [0.0, 0.0, 1.0, 0.5]),  # reads the text, and is wrong
        ((0, 0), [0.5, 0.0, 0.0, 1.0]),  # always A
        ((1, 1), [0.5, 0.0, 0.0, 0.0]),  # always B
        ((None, None), [0.5, 0.25, 0.5, 0.5]),  # no view: each letter as likely, twice
        ((1, None), [0.75, 0.5, 0.5, 0.25]),
    ],
)
def test_text_and_position_are_told_apart(letters: tuple[int | None, ...], expected: list[float]) -> None:
    assert values([says(letter) for letter in letters]) == expected


def test_three_choices_in_three_orders() -> None:
    sample = item(orders=((2, 0, 1), (0, 1, 2), (1, 2, 0)), target=1)
    right, wrong = [says(1, 3), says(0, 3), says(2, 3)], [says(0, 3), says(2, 3), says(1, 3)]
    assert values(right, sample) == pytest.approx([1, 1, 1, 1 / 3])
    assert values(wrong, sample) == pytest.approx([0, 0, 1, 1 / 3])
    always_first = [says(0, 3)] * 3
    assert values(always_first, sample) == pytest.approx([1 / 3, 0, 0, 1])


def test_ties_are_marked() -> None:
    assert OrdersAccuracy().measure_all(item(), [says(1), says(None)]).tie
    assert not OrdersAccuracy().measure_all(item(), [says(1), says(0)]).tie


@pytest.mark.parametrize("orders", [((1, 0),), ((1, 0), (0, 0)), ((1, 0), (0, 1, 2)), None, "10"])
def test_orders_that_are_none_are_refused(orders: Any) -> None:
    with pytest.raises(UserError, match=r"metadata\.orders"):
        OrdersAccuracy().measure_all(item(orders=orders), [says(0), says(1)])
