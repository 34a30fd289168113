"""Places on drawings: in the order of the numbers, inside the drawing, at round ticks."""

from __future__ import annotations

import math

import pytest

from lsm_eval.leaderboard.charts import Datum, chart


def test_marks_lie_inside_and_in_order() -> None:
    drawn = chart([[Datum(0, 10.0, 9, 11), Datum(1, 20.0, 18, 25, left=0.5, right=1.5)]])
    assert drawn is not None
    ((first, second),) = drawn.series
    assert first.x < second.x
    assert first.y > second.y
    for mark in (first, second):
        assert drawn.left <= mark.x <= drawn.right
        assert drawn.top <= mark.y <= drawn.bottom
        assert mark.low is not None
        assert mark.high is not None
        assert mark.low >= mark.y >= mark.high
    assert second.left is not None
    assert second.right is not None
    assert second.left < second.x < second.right


@pytest.mark.parametrize("top", [3e-7, 0.013, 1.0, 99.9, 12345.0, 7e9])
def test_ticks_are_few_and_round(top: float) -> None:
    drawn = chart([[Datum(0, 0.0), Datum(1, top)]], zero=True)
    assert drawn is not None
    assert 2 <= len(drawn.y) <= 8
    texts = [tick.text for tick in drawn.y]
    assert len(set(texts)) == len(texts)
    assert texts[0] == "0"


def test_one_number_and_equal_numbers_have_a_place() -> None:
    drawn = chart([[Datum(1, 0.5), Datum(2, 0.5)]])
    assert drawn is not None
    assert len({mark.y for mark in drawn.series[0]}) == 1
    assert len(drawn.y) >= 2


def test_what_is_not_finite_is_not_drawn() -> None:
    assert chart([[Datum(1, math.nan)]]) is None
    assert chart([]) is None
    drawn = chart([[Datum(1, 1.0, high=math.inf), Datum(2, math.inf)]])
    assert drawn is not None
    assert len(drawn.series[0]) == 1
    assert drawn.series[0][0].high is None


def test_a_line_breaks_where_it_must() -> None:
    drawn = chart([[Datum(0, 1.0), Datum(1, 2.0), Datum(2, 3.0, broken=True)]])
    assert drawn is not None
    assert [
        step[0]
        for step in drawn.path(drawn.series[0]).replace("L", " L").replace("M", " M").split()
        if step[0] in "ML"
    ] == ["M", "L", "M"]


def test_powers_stand_equally_far_apart_on_a_logarithmic_axis() -> None:
    drawn = chart([[Datum(1, 1.0), Datum(10, 1.0), Datum(100, 1.0)]], logarithmic_x=True)
    assert drawn is not None
    first, second, third = (mark.x for mark in drawn.series[0])
    assert second - first == pytest.approx(third - second, abs=0.05)
