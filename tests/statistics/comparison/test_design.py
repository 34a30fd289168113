"""The design effect that is guessed for few pairs that differ, and the t interval that stands beside it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from lsm_eval.statistics.comparison.design import guessed_design_effect
from lsm_eval.statistics.comparison.difference import difference, p_value
from lsm_eval.statistics.comparison.pairs import Pairs, pairs
from lsm_eval.statistics.comparison.score import Score

TEN: NDArray[np.int64] = np.repeat(np.arange(50), 10)


def lost_at(places: list[int], groups: NDArray[np.int64] = TEN) -> Pairs:
    lost = np.zeros(len(groups))
    lost[places] = 1
    return pairs(lost, np.zeros(len(groups)), groups)


def test_nothing_that_differs_makes_each_cluster_one_pair() -> None:
    assert guessed_design_effect(lost_at([]), 10.0, 0.0) == 10.0
    found = difference(lost_at([])).statistic
    assert isinstance(found, Score)
    assert found.trials == pytest.approx(50)


def test_neighbours_that_agree_make_the_guess_smaller_and_those_that_differ_do_not() -> None:
    spread, together = list(range(0, 400, 10)), list(range(40))
    apart = [guessed_design_effect(lost_at(spread[:few]), 10.0, few) for few in (1, 5, 14, 40)]
    assert apart == sorted(apart, reverse=True)
    assert apart[0] == pytest.approx(10, abs=0.01)
    assert apart[-1] < 1.5
    assert guessed_design_effect(lost_at(together), 10.0, 40.0) == pytest.approx(10)


def test_pairs_that_stand_alone_have_no_design_effect() -> None:
    assert guessed_design_effect(lost_at([1, 2], np.arange(50)), 1.0, 2.0) == 1.0


def test_one_large_cluster_is_no_longer_taken_for_one_pair_where_many_differ() -> None:
    """166 of 3,317 pairs differ, each by itself; a cluster of 1,327 would make 326 of one."""
    groups = np.repeat(np.arange(200), [1327, *[10] * 199])
    rng = np.random.default_rng(0)
    place = rng.random(len(groups))
    found = difference(pairs((place < 0.025).astype(float), (place > 0.975).astype(float), groups))
    assert isinstance(found.statistic, Score)
    assert found.n / found.statistic.trials < 1.8


def test_interval_and_tests_agree_in_clusters() -> None:
    rng = np.random.default_rng(1)
    one, two = (rng.random((2, 500)) < 0.5).astype(float)
    data = pairs(one, two, TEN)
    found = difference(data, level=0.9)
    assert found.low is not None
    assert found.high is not None
    for step in (-1e-6, 1e-6):
        greater, less = p_value(found, found.low + step, "greater"), p_value(found, found.high + step, "less")
        assert greater is not None
        assert less is not None
        assert (greater <= 0.05) == (step < 0)
        assert (less <= 0.05) == (step > 0)
    assert p_value(found, -1.0, "greater") == 0.0
    assert -1 <= found.low <= found.high <= 1


def test_losses_of_a_few_large_clusters_have_a_longer_end_than_gains_of_all() -> None:
    groups = np.repeat(np.arange(30), 10)
    lost = np.zeros(300)
    lost[:27] = 1  # three clusters of thirty
    found = difference(pairs(lost, np.zeros(300), groups))
    assert isinstance(found.statistic, Score)
    assert found.statistic.student is not None
    assert found.low is not None
    assert found.statistic.student.skew < -0.1
    assert found.low == pytest.approx(found.statistic.student.end(0.95, "greater"), abs=1e-9)


@pytest.mark.parametrize(("correlation", "count"), [(0.0, 50), (0.4, 50)])
def test_a_loss_of_the_margin_passes_in_one_of_twenty_at_most(correlation: float, count: int) -> None:
    """Clusters of 1 to 40: an earlier guess let 14 % of such models pass."""
    growth = np.exp(np.linspace(0, np.log(50), count))
    sizes = np.maximum(1, np.round(growth / growth.mean() * 10)).astype(int)
    groups, rng = np.repeat(np.arange(count), sizes), np.random.default_rng(2)
    passed, draws = 0, 400
    for _ in range(draws):
        own = np.full(count, 0.05)
        if correlation:
            more = (1 - correlation) / correlation
            own = rng.beta(0.05 * more, 0.95 * more, count)
        lost = (rng.random(len(groups)) < own[groups]).astype(float)
        p = p_value(difference(pairs(lost, np.zeros(len(groups)), groups)), -0.05, "greater")
        passed += p is not None and p <= 0.05
    assert passed / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5
