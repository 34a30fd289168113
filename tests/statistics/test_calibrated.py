"""Calibration error over bins: against exact enumeration, and one sample at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from lsm_eval.statistics.basis import basis
from lsm_eval.statistics.calibrated import DRAWS, calibration_error, plug_in, stretch_of


def test_the_test_is_that_of_the_binomial_distribution() -> None:
    # One bin: the exact chance that a binomial lies at least as far from its mean.
    bins = np.array([[50.0, 40.0, 33.0], [0.0, 0.0, 0.0]])
    k = np.arange(51)
    exact = float(stats.binom.pmf(k, 50, 0.8)[np.abs(k - 40) >= 7].sum())
    found = calibration_error(bins, stretch=1, trials=float(bins[:, 0].sum()), seed=0, level=0.95)
    assert found.plug_in == plug_in(bins) == pytest.approx(0.14)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact / DRAWS))
    # One bin far from 0 has no bias to take off, and the interval of its rate.
    assert found.value == pytest.approx(0.14, abs=0.03)
    assert found.high == pytest.approx(0.14 + 1.96 * np.sqrt(0.66 * 0.34 / 50), abs=0.02)


def test_what_noise_adds_is_taken_off() -> None:
    """Against the mean of |noise| over bins of a calibrated model, for figures that are just what noise makes."""
    count, rate = 40, 0.7
    noise = float(
        (
            np.abs(np.arange(count + 1) / count - rate) * stats.binom.pmf(np.arange(count + 1), count, rate)
        ).sum()
    )
    bins = np.array([[count, count * rate, count * (rate + sign * noise)] for sign in (1, -1) * 6])
    found = calibration_error(bins, stretch=1, trials=float(bins[:, 0].sum()), seed=1, level=0.95)
    assert found.plug_in == pytest.approx(noise)
    assert found.value == pytest.approx(0, abs=0.005)
    assert found.low == 0
    assert found.p > 0.3


def test_the_lower_end_is_0_unless_the_test_rejects() -> None:
    rng = np.random.default_rng(0)
    for right in range(10, 40):
        bins = np.array(
            [[20.0, 15.0, min(20, right / 2)], [20.0, 15.0, 15.0], [20.0, 12.0, rng.integers(8, 16)]]
        )
        found = calibration_error(bins, stretch=1, trials=float(bins[:, 0].sum()), seed=0, level=0.95)
        assert found.low <= found.value < found.high
        if found.p > 0.025:
            assert found.low == 0


def test_one_sample_moves_the_ends_a_little() -> None:
    """Of 100, whatever they are: no end jumps where the next answer turns right."""
    ends = []
    for right in range(51):
        bins = np.array([[50.0, 40.0, right], [50.0, 30.0, 30.0]])
        found = calibration_error(bins, stretch=1, trials=float(bins[:, 0].sum()), seed=0, level=0.95)
        ends.append((found.value, found.high))
    for one, other in pairwise(ends):
        assert np.abs(np.subtract(one, other)).max() < 0.04


def test_copies_of_samples_in_clusters_stretch_as_much_as_they_are() -> None:
    gaps = np.random.default_rng(0).normal(size=200)
    clusters = [str(i) for i in range(200) for _ in range(9)]
    found = stretch_of(np.repeat(gaps, 9), basis(clusters, missing=0))
    assert found == pytest.approx(3, rel=0.02)
    assert stretch_of(gaps, basis([None] * 200, missing=0)) == 1
    assert stretch_of(gaps, basis(["a", "b"] * 100, missing=0)) == "only 2 clusters"
