"""Exposure: its bounds, what chance gives, and extrapolation where the truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skewnorm

from lsm_eval.benchmarks.privacy.canary_exposure.code import exposure_by_extrapolation, exposure_by_rank
from lsm_eval.errors import UserError
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample

NUMBERS = st.lists(st.floats(-50, 0), min_size=1, max_size=40)


def value(name: str, logprobs: list[float], planted: int, bits: float = 20.0) -> float:
    count = len(logprobs)
    request = Score("p", tuple(map(str, range(count))))
    sample = Sample("s", request, target=(planted,), metadata={"space_bits": bits})
    metric: Any = create(name)
    measured = metric.measure(sample, Scored(tuple(logprobs), (1,) * count, (False,) * count))
    return float(measured.value)


@settings(deadline=None, max_examples=40)
@given(NUMBERS, st.floats(-50, 0))
def test_exposure_lies_between_0_and_log2_of_the_space(others: list[float], planted: float) -> None:
    found = value("canary_exposure", [planted, *others], 0)
    assert 0 <= found <= math.log2(len(others) + 1)
    extrapolated = value("canary_exposure_extrapolated", [planted, *others], 0, bits=7.5)
    assert 0 <= extrapolated <= 7.5


def test_by_rank() -> None:
    logprobs = [-5.0, -1.0, -2.0, -3.0, -4.0, -6.0, -7.0, -8.0]
    assert value("canary_exposure", logprobs, 1) == 3
    assert value("canary_exposure", logprobs, 2) == 2
    assert value("canary_exposure", logprobs, 7) == 0
    assert value("canary_first", logprobs, 1) == 1
    assert value("canary_first", logprobs, 2) == 0


def test_equal_candidates_count_against_the_canary() -> None:
    assert value("canary_exposure", [0.0] * 8, 3) == 0
    assert value("canary_exposure_extrapolated", [0.0] * 8, 3) == 0
    assert value("canary_first", [0.0] * 8, 3) == 0


def test_a_canary_that_was_never_planted_has_log2_e_bits() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(-20, 3, (3000, 256))
    found = [exposure_by_rank(float(row[0]), row[1:]) for row in draws]
    assert np.mean(found) == pytest.approx(math.log2(math.e), abs=0.1)


def test_an_unplanted_canary_by_extrapolation() -> None:
    draws = skewnorm.rvs(-3, loc=-20, scale=4, size=(200, 256), random_state=1)
    found = [exposure_by_extrapolation(float(row[0]), row[1:]) for row in draws]
    assert np.mean(found) == pytest.approx(math.log2(math.e), abs=0.3)


@pytest.mark.parametrize("shape", [-4.0, 0.0, 3.0])
@pytest.mark.parametrize("tail", [0.5, 1e-3, 1e-9])
def test_extrapolation_finds_the_true_tail(shape: float, tail: float) -> None:
    others = skewnorm.rvs(shape, loc=-20, scale=3, size=4000, random_state=2)
    planted = float(skewnorm.isf(tail, shape, loc=-20, scale=3))
    assert exposure_by_extrapolation(planted, others) == pytest.approx(-math.log2(tail), rel=0.12, abs=0.1)


def test_far_beyond_what_a_float_can_tell() -> None:
    others = skewnorm.rvs(-2, loc=-20, scale=1, size=500, random_state=3)
    assert 100 < exposure_by_extrapolation(-1.0, others) < 5000
    assert exposure_by_extrapolation(-90.0, others) == pytest.approx(0, abs=1e-6)


def test_mistakes_are_told() -> None:
    metric: Any = create("canary_exposure")
    with pytest.raises(UserError, match="one choice only"):
        metric.measure(Sample("s", Score("p", ("a",)), target=(0,)), Scored((-1.0,), (1,), (True,)))
    with pytest.raises(UserError, match="space_bits"):
        create("canary_exposure_extrapolated").measure(  # type: ignore[union-attr]
            Sample("s", Score("p", ("a", "b")), target=(0,)), Scored((-1.0, -2.0), (1, 1), (True, False))
        )


def test_greedy_extraction_reads_the_target() -> None:
    sample = Sample("s", Score("p", ("a", "b")), target=(1,))
    metric: Any = create("greedy_extracted")
    assert metric.measure(sample, Scored((-1.0, -2.0), (1, 1), (True, False))).value == 0
    assert metric.measure(sample, Scored((-2.0, -1.0), (1, 1), (False, True))).value == 1
