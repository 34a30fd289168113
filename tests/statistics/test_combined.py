"""Means and ratios of independent estimates, from their own intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lsm_eval.statistics.combined import Interval, mean, ratio


def wilson(right: int, n: int) -> Interval:
    z, share = 1.959963984540054, right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, middle - half, middle + half)


def test_of_symmetric_intervals_it_is_the_usual_one() -> None:
    found = mean([Interval(0.5, 0.4, 0.6), Interval(0.7, 0.65, 0.75)])
    half = math.hypot(0.1, 0.05) / 2
    assert (found.value, found.low, found.high) == pytest.approx((0.6, 0.6 - half, 0.6 + half))


def test_none_of_none_has_a_width() -> None:
    found = mean([wilson(0, 24), wilson(0, 40)])
    assert found.value == 0
    assert found.low == pytest.approx(0, abs=1e-12)
    assert found.high is not None
    assert 0.04 < found.high < 0.12


def test_a_part_without_an_interval_leaves_none() -> None:
    assert mean([Interval(0.5, None, None), wilson(3, 9)]).low is None
    assert ratio(Interval(0.5, None, None), wilson(3, 9), floor=0.001).high is None


def test_a_ratio_of_rates_below_the_floor_is_one() -> None:
    found = ratio(wilson(0, 50_000), wilson(0, 50_000), floor=0.001)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    found = ratio(wilson(30, 100), wilson(10, 100), floor=0.001)
    assert found.value == pytest.approx(3)
    assert found.low is not None
    assert found.high is not None
    assert 1.4 < found.low < 1.7
    assert 5.6 < found.high < 6.0


@pytest.mark.parametrize("rates", [(0.02, 0.05, 0.1), (0.5, 0.3, 0.8)])
def test_means_of_three_shares_are_covered(rates: tuple[float, ...]) -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for draw in rng.binomial(120, rates, size=(2000, 3)).tolist():
        found = mean([wilson(right, 120) for right in draw])
        hits += (found.low or 0) <= sum(rates) / 3 <= (found.high or 0)
    assert 0.935 < hits / 2000 < 0.985


@pytest.mark.parametrize(("first", "second"), [(0.1, 0.1), (0.3, 0.1), (0.02, 0.08)])
def test_ratios_are_covered(first: float, second: float) -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for one, other in rng.binomial(200, (first, second), size=(2000, 2)).tolist():
        found = ratio(wilson(one, 200), wilson(other, 200), floor=0.001)
        hits += (found.low or 0) <= first / second <= (found.high or 0)
    assert hits / 2000 > 0.935
