"""A metric whose fair value lies in the middle."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.distance import distance_evidence
from lsm_eval.statistics.comparison.pairs import Pairs, pairs
from lsm_eval.statistics.comparison.verdicts import judged


def drawn(rng: np.random.Generator, first: float, second: float, number: int, alike: float = 0.7) -> Pairs:
    common = rng.random(number)
    one, two = (np.where(rng.random(number) < alike, common, rng.random(number)) for _ in range(2))
    return pairs((one < first).astype(float), (two < second).astype(float))


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        (0.6, 0.8, "fail"), (0.4, 0.2, "fail"), (0.6, 0.55, "pass"), (0.3, 0.4, "pass"), (0.5, 0.5, "pass"),
        (0.7, 0.35, "pass"), (0.55, 0.3, "fail"),
    ],
)  # fmt: skip
def test_answers(first: float, second: float, outcome: str) -> None:
    data = drawn(np.random.default_rng(0), first, second, 4000)
    found = distance_evidence("bias", data, 0.5, 0.06)
    assert found.loss == pytest.approx(abs(second - 0.5) - abs(first - 0.5), abs=0.03)
    assert judged([found])[0].outcome == outcome


def test_the_largest_loss_that_is_not_ruled_out_is_where_the_test_turns() -> None:
    data = drawn(np.random.default_rng(1), 0.6, 0.62, 500)
    most = distance_evidence("bias", data, 0.5, 0.0).most
    assert most is not None
    for margin, ruled_out in ((most * 0.999, False), (most * 1.001, True)):
        p = distance_evidence("bias", data, 0.5, margin).p_margin
        assert p is not None
        assert (p <= 0.05) == ruled_out


@pytest.mark.parametrize(
    ("first", "second", "margin"),
    [(0.6, 0.7, 0.1), (0.5, 0.6, 0.1), (0.5, 0.4, 0.1), (0.55, 0.35, 0.1), (0.45, 0.65, 0.1)],
)
def test_a_loss_of_the_margin_passes_in_5_percent_at_most(first: float, second: float, margin: float) -> None:
    rng = np.random.default_rng(2)
    passed = [
        (distance_evidence("bias", drawn(rng, first, second, 300), 0.5, margin).p_margin or 0) <= 0.05
        for _ in range(150)
    ]
    assert np.mean(passed) <= 0.095


@pytest.mark.parametrize(("first", "second"), [(0.6, 0.6), (0.5, 0.5), (0.6, 0.4), (0.6, 0.55)])
def test_no_loss_is_proven_in_1_percent_at_most(first: float, second: float) -> None:
    rng = np.random.default_rng(3)
    alarms = [
        (distance_evidence("bias", drawn(rng, first, second, 300), 0.5, 0.0).p_loss or 0) <= 0.01
        for _ in range(150)
    ]
    assert np.mean(alarms) <= 0.034


def test_points_are_fractions_times_100() -> None:
    data = drawn(np.random.default_rng(4), 0.6, 0.66, 400)
    one = distance_evidence("bias", data, 0.5, 0.05, "bounded")
    points = distance_evidence(
        "bias", pairs(100 * data.baseline, 100 * data.candidate), 50, 5, "bounded", top=100
    )
    assert (points.p_loss, points.p_margin) == pytest.approx((one.p_loss, one.p_margin))
    assert points.most == pytest.approx(100 * (one.most or 0))


def test_means_and_reasons() -> None:
    one, two = np.random.default_rng(5).normal(0.1, 1, (2, 300))
    assert distance_evidence("skew", pairs(one, two + 2), 0.0, 0.1, "mean").p_loss == pytest.approx(
        0, abs=1e-9
    )
    assert distance_evidence("skew", pairs([], []), 0.5, 0.1).reason == "no pairs"
    assert distance_evidence("skew", pairs([1.0], [0.0]), 0.5, 0.1).reason == "one pair"
    with pytest.raises(UserError):
        distance_evidence("skew", pairs(one, two), 0.0, -0.1, "mean")
