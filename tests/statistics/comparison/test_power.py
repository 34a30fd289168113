"""Sample sizes: against statsmodels, published formulas, and what a simulated gate does with so many pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.difference import difference
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.comparison.power import (
    Means,
    Shares,
    pairs_to_fail,
    pairs_to_pass,
    smallest_loss,
    smallest_margin,
    spread_of,
)
from lsm_eval.statistics.comparison.score import Score


@pytest.mark.parametrize(("deviation", "margin"), [(1.0, 0.5), (1.0, 0.1), (3.0, 1.0)])
def test_means_need_as_many_as_statsmodels_says(deviation: float, margin: float) -> None:
    power = pytest.importorskip("statsmodels.stats.power").TTestPower()
    for alpha, chance in ((0.05, 0.9), (0.01, 0.8)):
        theirs = power.solve_power(
            effect_size=margin / deviation, alpha=alpha, power=chance, alternative="larger"
        )
        ours = pairs_to_pass(margin, Means(deviation), power=chance, false_pass=alpha)
        assert ours == pytest.approx(math.ceil(theirs), abs=1)
        ours = pairs_to_fail(margin, Means(deviation), power=chance, false_alarm=alpha)
        assert ours == pytest.approx(math.ceil(theirs), abs=1)


@pytest.mark.parametrize(
    ("differ", "margin"), [(0.1, 0.015), (0.05, 0.02), (0.02, 0.015), (0.3, 0.05), (0.0, 0.01)]
)
def test_so_many_pairs_pass_an_unchanged_model(differ: float, margin: float) -> None:
    n = pairs_to_pass(margin, Shares(differ))
    assert n is not None
    drawn = np.random.default_rng(1).multinomial(n, [differ / 2, differ / 2, 1 - differ], 3000)
    passed = np.mean([Score(n, g / n, b / n).p(-margin, "greater") <= 0.05 for g, b, _ in drawn.tolist()])
    assert 0.87 < passed <= (1.0 if differ == 0 else 0.93)


@pytest.mark.parametrize(
    ("differ", "loss", "margin", "metrics"),
    [(0.1, 0.03, 0.015, 1), (0.1, 0.02, 0.015, 1), (0.05, 0.03, 0.0, 10)],
)
def test_so_many_pairs_find_a_loss(differ: float, loss: float, margin: float, metrics: int) -> None:
    n = pairs_to_fail(loss, Shares(differ), margin=margin, metrics=metrics)
    assert n is not None
    drawn = np.random.default_rng(2).multinomial(
        n, [(differ - loss) / 2, (differ + loss) / 2, 1 - differ], 3000
    )
    failed = [
        Score(n, g / n, b / n).p(0.0, "less") <= 0.01 / metrics and (b - g) / n > margin
        for g, b, _ in drawn.tolist()
    ]
    assert 0.77 < np.mean(failed) < 0.85


@settings(max_examples=60, deadline=None)
@given(st.floats(0.001, 0.4), st.integers(30, 20_000), st.floats(1.0, 5.0))
def test_margin_and_number_are_each_others_inverse(differ: float, n: int, design: float) -> None:
    for spread in (Shares(differ, design), Means(differ, design)):
        margin, loss = smallest_margin(n, spread), smallest_loss(n, spread)
        if margin is not None:
            assert (pairs_to_pass(margin, spread) or 0) <= n
            fewer = pairs_to_pass(margin * 0.99, spread)
            assert fewer is None or fewer >= n * 0.98
        if loss is not None:
            assert (pairs_to_fail(loss, spread) or 0) <= n


def test_no_pair_that_differs_still_needs_the_exact_bound() -> None:
    assert pairs_to_pass(0.015, Shares(0.0)) == 199
    assert smallest_margin(199, Shares(0.0)) == pytest.approx(1 - 0.05 ** (1 / 199), rel=1e-6)


def test_clusters_multiply() -> None:
    alone, together = (pairs_to_pass(0.02, Shares(0.1, design)) for design in (1.0, 3.0))
    assert alone is not None
    assert together == pytest.approx(3 * alone, abs=3)


def test_what_cannot_be() -> None:
    assert pairs_to_pass(0.01, Shares(0.1), loss=0.01) is None
    assert pairs_to_fail(0.01, Shares(0.1), margin=0.01) is None
    assert smallest_loss(3, Shares(0.3), metrics=10) is None
    for power, margin in ((0.0, 0.1), (0.9, -0.1)):
        with pytest.raises(UserError):
            pairs_to_pass(margin, Shares(0.1), power=power)


def test_the_spread_of_a_comparison() -> None:
    one, two = np.random.default_rng(0).integers(0, 2, (2, 400)).astype(float)
    found = difference(pairs(one, two))
    spread = spread_of(found)
    assert isinstance(spread, Shares)
    assert (spread.discordance, spread.design) == pytest.approx(((one != two).mean(), 1.0))
    means = spread_of(difference(pairs(one * 3, two * 3), "mean"))
    assert isinstance(means, Means)
    assert means.deviation == pytest.approx(3 * (two - one).std(ddof=1))
    assert spread_of(difference(pairs([], []))) is None
