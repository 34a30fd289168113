"""Runs of one model: flips, and what whole runs share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.difference import difference
from lsm_eval.statistics.comparison.noise import calibration, calibration_of_sums
from lsm_eval.statistics.comparison.pairs import pairs


def test_flips_are_counted_by_pairs_of_runs() -> None:
    found = calibration([[1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, np.nan]])
    assert (found.runs, found.n, found.missing) == (3, 3, 1)
    assert found.flips == pytest.approx(2 / 9)
    assert found.unstable == pytest.approx(1 / 3)


def test_identical_runs_add_nothing() -> None:
    found = calibration(np.tile(np.random.default_rng(0).random(50), (4, 1)))
    assert found.noise.variance == pytest.approx(0, abs=1e-18)
    assert found.flips == 0


def test_flips_of_single_samples_are_in_the_pairs_already() -> None:
    rng = np.random.default_rng(1)
    base = rng.random(5000) < 0.5
    found = [calibration((base ^ (rng.random((5, 5000)) < 0.04)).astype(float)) for _ in range(40)]
    assert np.mean([x.flips for x in found]) == pytest.approx(2 * 0.04 * 0.96, rel=0.05)
    assert np.mean([x.between for x in found]) == pytest.approx(
        np.mean([x.expected for x in found]), rel=0.25
    )
    assert np.mean([x.noise.variance for x in found]) < np.mean([x.expected for x in found])


def test_shifts_of_whole_runs_are_added_twice_over() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=400) + rng.normal(0, 0.1, 8)[:, None]
    found = calibration(values)
    assert found.noise.variance == pytest.approx(2 * values.mean(axis=1).var(ddof=1))
    assert found.noise.freedom == 7


def test_with_the_noise_of_runs_an_unchanged_model_is_covered() -> None:
    rng = np.random.default_rng(3)
    held = [0, 0]
    for _ in range(200):
        own = rng.normal(size=200)
        runs = own + rng.normal(0, 0.1, (8, 1)) + rng.normal(0, 0.2, (8, 200))
        noise = calibration(runs[:6]).noise
        for at, extra in enumerate((None, noise)):
            found = difference(pairs(runs[6], runs[7]), "mean", noise=extra)
            assert found.low is not None
            assert found.high is not None
            held[at] += found.low <= 0 <= found.high
    assert held[0] / 200 < 0.5
    assert held[1] / 200 > 0.89


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 6), st.integers(1, 30))
def test_noise_is_never_below_0(seed: int, runs: int, samples: int) -> None:
    found = calibration(np.random.default_rng(seed).integers(0, 2, (runs, samples)))
    assert found.noise.variance >= 0
    assert 0 <= found.flips <= found.unstable <= 1


@pytest.mark.parametrize("runs", [[[1.0], [0.0]], [[np.nan]] * 3, [1.0, 0.0, 1.0]])
def test_runs_that_tell_nothing_are_refused(runs: ArrayLike) -> None:
    with pytest.raises(UserError):
        calibration(runs)


def test_of_a_mean_sums_say_the_same() -> None:
    rng = np.random.default_rng(11)
    runs = rng.random((4, 60)) + rng.normal(0, 0.05, (4, 1))
    rows = np.stack([runs, np.ones_like(runs)], axis=2)
    found = calibration_of_sums(rows, lambda sums: np.asarray(sums[..., 0] / sums[..., 1]))
    assert not isinstance(found, str)
    own = calibration(runs)
    assert (found.runs, found.n, found.flips, found.unstable) == (4, 60, own.flips, own.unstable)
    assert (found.between, found.expected, found.noise.variance) == pytest.approx(
        (own.between, own.expected, own.noise.variance)
    )


def test_flips_of_texts_are_in_a_ratio_of_sums_already_and_shifts_are_not() -> None:
    rng = np.random.default_rng(12)
    length = rng.gamma(2.0, 10.0, 400)

    def runs(shift: float) -> FloatArray:
        right = 0.5 + 0.1 * rng.normal(size=(6, 400)) + shift * rng.normal(size=(6, 1))
        return np.stack([right * length, np.broadcast_to(length, right.shape)], axis=2)

    def compute(sums: FloatArray) -> FloatArray:
        return np.asarray(np.exp(sums[..., 0] / sums[..., 1]))

    alone, shared = (
        [found for _ in range(40) if not isinstance(found := calibration_of_sums(runs(shift), compute), str)]
        for shift in (0.0, 0.05)
    )
    assert np.mean([x.between for x in alone]) == pytest.approx(
        np.mean([x.expected for x in alone]), rel=0.25
    )
    assert np.mean([x.noise.variance for x in shared]) == pytest.approx(
        2 * (0.05 * np.exp(0.5)) ** 2, rel=0.25
    )


def test_sums_that_make_no_value_say_why() -> None:
    rows = np.zeros((3, 5, 2))
    assert isinstance(calibration_of_sums(rows, lambda sums: sums[..., 0] / sums[..., 1]), str)
