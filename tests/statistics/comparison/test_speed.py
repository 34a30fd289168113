"""Ratios of speed from rounds that take turns: against SciPy, by hand, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.score import Side
from lsm_eval.statistics.comparison.speed import speed_p, speed_ratio


@pytest.mark.parametrize("rounds", [6, 11, 30])
def test_p_is_scipys_exact_signed_rank_test(rounds: int) -> None:
    rng = np.random.default_rng(rounds)
    one, two = np.exp(rng.normal(size=(2, rounds)))
    found = speed_ratio(one, two)
    apart = np.log(two / one)
    assert found.p == pytest.approx(stats.wilcoxon(apart, method="exact").pvalue)
    sides: list[tuple[float, Side]] = [(0.8, "greater"), (1.3, "less")]
    for ratio, side in sides:
        theirs = stats.wilcoxon(apart - np.log(ratio), alternative=side, method="exact").pvalue
        assert speed_p(found, ratio, side) == pytest.approx(theirs)


def test_the_estimate_is_the_median_of_all_means_of_two() -> None:
    found = speed_ratio([1.0] * 6, np.exp([0.1, 0.3, 0.2, 0.25, 0.05, 0.4]))
    means = [(x + y) / 2 for i, x in enumerate(found.logs) for y in found.logs[i:]]
    assert found.value == pytest.approx(np.exp(np.median(means)))
    assert (found.low, found.high) == pytest.approx((np.exp(0.05), np.exp(0.4))), (
        "six rounds: the outermost means"
    )


def test_one_long_pause_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    one, two = np.exp(rng.normal(0, 0.02, (2, 20)))
    paused = two.copy()
    paused[7] *= 100
    plain, hit = speed_ratio(one, two), speed_ratio(one, paused)
    assert plain.value is not None
    assert hit.value == pytest.approx(plain.value, rel=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(6, 25))
def test_ends_and_tests_agree(seed: int, rounds: int) -> None:
    one, two = np.exp(np.random.default_rng(seed).normal(size=(2, rounds)))
    found = speed_ratio(one, two)
    assert found.low is not None
    assert found.high is not None
    assert (speed_p(found, found.low * 0.999, "greater") or 1) <= 0.025
    assert (speed_p(found, found.low * 1.001, "greater") or 0) > 0.025
    assert (speed_p(found, found.high * 1.001, "less") or 1) <= 0.025
    assert (speed_p(found, found.high * 0.999, "less") or 0) > 0.025


def test_coverage() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        common = rng.gamma(2.0, 1.0, 10)
        found = speed_ratio(
            common * np.exp(rng.normal(0, 0.1, 10)), 1.2 * common * np.exp(rng.normal(0, 0.1, 10))
        )
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1.2 <= found.high
    assert held / 300 > 0.92


def test_few_rounds_have_no_interval() -> None:
    found = speed_ratio([1.0] * 5, [1.1] * 5)
    assert found.value == pytest.approx(1.1)
    assert (found.low, found.reason) == (None, "only 5 rounds")
    found = speed_ratio([np.nan, 1.0], [1.0, np.nan])
    assert (found.value, found.missing, found.reason) == (None, 2, "no rounds")


@pytest.mark.parametrize(
    ("one", "two"), [([1.0], [1.0, 2.0]), ([0.0], [1.0]), ([1.0], [-1.0]), ([np.inf], [1.0])]
)
def test_what_has_no_ratio_is_refused(one: list[float], two: list[float]) -> None:
    with pytest.raises(UserError):
        speed_ratio(one, two)
