"""Means and rates of repeats: values against the textbook, and what the interval covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lsm_eval.statistics.repeats import repeated_mean, repeated_rate


def test_a_mean_has_students_interval() -> None:
    values = [1.0, 2.0, 4.0, 4.5, 3.0]
    found = repeated_mean(values)
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert found.value == pytest.approx(np.mean(values), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    assert found.stderr == pytest.approx(stats.sem(values), rel=1e-12)
    assert (found.method, found.n) == ("t(repeats)", 5)


def test_a_rate_is_a_sum_over_a_sum() -> None:
    tokens, seconds = [100.0, 100.0, 100.0], [1.0, 2.0, 1.0]
    found = repeated_rate(tokens, seconds)
    assert found.value == 75.0  # not the mean of 100, 50 and 100
    # Of equal tokens, the rate is the inverse of the mean time.
    assert found.value == pytest.approx(100 / (repeated_mean(seconds).value or 0))


def test_of_nothing_and_of_one_there_is_no_interval() -> None:
    assert repeated_mean([]).value is None
    assert repeated_mean([]).half_width == math.inf
    one = repeated_mean([2.0])
    assert (one.value, one.low, one.high) == (2.0, None, None)
    assert "one measurement" in one.method


def test_no_time_is_below_nothing() -> None:
    found = repeated_mean([0.001, 0.001, 5.0])
    assert found.low == 0.0
    assert found.high is not None
    assert found.high > 5


def test_the_interval_covers() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seconds in rng.gamma(50.0, 0.02, (2000, 5)):
        found = repeated_rate([64.0] * 5, seconds.tolist())
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 64.0 / 1.0 <= found.high
    assert 0.93 < covered / 2000 < 0.97
