"""The area under the risk-coverage curve: influences against leaving out, against simulation, and never without width."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.risk_coverage import risk_coverage, risk_coverage_estimate


def made(confidence: FloatArray, wrong: FloatArray, *, excess: bool = False) -> Estimate:
    return risk_coverage_estimate(confidence, wrong, [None] * len(wrong), missing=0, excess=excess)


def answers(rng: np.random.Generator, n: int, rate: float, *, telling: bool) -> tuple[FloatArray, FloatArray]:
    confidence = rng.random(n)
    chance = np.minimum(1, 4 * rate * (1 - confidence) ** 3) if telling else np.full(n, rate)
    return confidence, (rng.random(n) < chance).astype(float)


def test_the_area_by_hand() -> None:
    confidence, wrong = np.array([0.9, 0.8, 0.7]), np.array([0.0, 1.0, 0.0])
    assert risk_coverage(confidence, wrong) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert risk_coverage(confidence, wrong, excess=True) == pytest.approx((1 / 2) / 3)
    assert risk_coverage(np.ones(4), np.array([1.0, 0, 0, 0])) == pytest.approx(0.25)


@pytest.mark.parametrize("excess", [False, True])
@pytest.mark.parametrize("telling", [False, True])
def test_the_standard_error_is_that_of_leaving_out(excess: bool, telling: bool) -> None:
    confidence, wrong = answers(np.random.default_rng(0), 300, 0.3, telling=telling)
    without = np.array(
        [risk_coverage(np.delete(confidence, i), np.delete(wrong, i), excess=excess) for i in range(300)]
    )
    jackknife = np.sqrt(299 / 300 * np.square(without - without.mean()).sum())
    assert made(confidence, wrong, excess=excess).stderr == pytest.approx(jackknife, rel=0.05)


@pytest.mark.parametrize("excess", [False, True])
@pytest.mark.parametrize(("n", "rate"), [(10, 0.3), (30, 0.1), (100, 0.02), (100, 0.3)])
@pytest.mark.parametrize("telling", [False, True])
def test_it_is_covered(n: int, rate: float, telling: bool, excess: bool) -> None:
    """A plain t interval of rare errors held 8 to 70 %."""
    rng = np.random.default_rng(5)
    truth = risk_coverage(*answers(rng, 200_000, rate, telling=telling), excess=excess)
    found = [made(*answers(rng, n, rate, telling=telling), excess=excess) for _ in range(250)]
    held = [e.low <= truth <= e.high for e in found if e.low is not None and e.high is not None]
    assert len(held) == 250
    assert np.mean(held) > 0.91


@pytest.mark.parametrize(("n", "rate"), [(5, 0.02), (7, 0.02), (10, 0.05), (15, 0.02)])
def test_areas_of_few_answers_and_rare_errors_are_covered(n: int, rate: float) -> None:
    """The least confident are the wrong ones, or the most confident: score intervals held 87 to 93 %."""
    rng = np.random.default_rng(8)
    for turned in (False, True):

        def draw(number: int, turned: bool = turned) -> tuple[FloatArray, FloatArray]:
            confidence = rng.random(number)
            wrong = (confidence > 1 - rate if turned else confidence < rate).astype(float)
            return confidence, wrong

        truth = risk_coverage(*draw(200_000))
        found = [made(*draw(n)) for _ in range(300)]
        assert (
            np.mean([e.low <= truth <= e.high for e in found if e.low is not None and e.high is not None])
            > 0.93
        )


def test_no_error_is_not_certain_and_the_first_is_no_cliff() -> None:
    confidence, wrong = np.linspace(1, 0, 40), np.zeros(40)
    ends = []
    for at in (None, 39, 20, 10, 30, 5):
        if at is not None:
            wrong[at] = 1
        found = made(confidence, wrong)
        assert found.low is not None
        assert found.high is not None
        ends.append(found.high)
    assert made(confidence, 0 * wrong).low == 0
    # Half as many trials as samples, none of them wrong.
    assert ends[0] == pytest.approx(0.17, abs=0.01)
    assert max(abs(one - other) for one, other in pairwise(ends)) < 0.1
    every = made(confidence, np.ones(40))
    assert (every.value, every.high) == (1.0, 1.0)
    assert (every.low or 1) < 0.85


def test_clusters_widen_it() -> None:
    rng = np.random.default_rng(0)
    confidence, wrong = (side.repeat(10) for side in answers(rng, 30, 0.3, telling=True))
    clusters = [str(i // 10) for i in range(300)]
    found = risk_coverage_estimate(confidence, wrong, clusters, missing=0)
    alone = made(confidence, wrong)
    assert (found.method, found.clusters) == ("wilson(effective, area, clusters)", 30)
    assert found.value == alone.value
    assert (found.stderr or 0) > 2 * (alone.stderr or 1)
    assert (found.high or 0) > (alone.high or 1)
    few = risk_coverage_estimate(confidence, wrong, [str(i % 3) for i in range(300)], missing=0)
    assert few.method == "none (only 3 clusters)"
    assert made(confidence[:4], wrong[:4]).method == "none (only 4 samples)"


def test_ten_thousand_answers_take_a_moment() -> None:
    found = made(*answers(np.random.default_rng(0), 10_000, 0.2, telling=True))
    assert found.low is not None
