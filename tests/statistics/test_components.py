"""Parts of a score's variance: without bias, covered where there is an interval."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.components import between_draws, between_questions, questions, share, share_of_draws

BETWEEN, WITHIN = 0.05, 0.2
"""Of chances from beta(2, 2)."""


def drawn(rng: np.random.Generator, number: int, draws: int) -> FloatArray:
    mean = rng.binomial(draws, rng.beta(2, 2, number)) / draws
    return np.column_stack([np.ones(number), mean, mean**2, mean * (1 - mean) * draws / (draws - 1)])


def test_the_part_between_questions_has_no_bias() -> None:
    rng = np.random.default_rng(0)
    found = [float(questions(drawn(rng, 12, 3).sum(axis=0), 3)) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(BETWEEN, abs=4 * np.std(found) / np.sqrt(4000))
    assert min(found) < 0  # which is why it may be negative


@pytest.mark.parametrize("how", [between_draws, between_questions, share_of_draws])
def test_parts_are_covered(how: object) -> None:
    rng = np.random.default_rng(1)
    truths = {between_draws: WITHIN, between_questions: BETWEEN, share_of_draws: 0.5}
    hits = []
    for _ in range(300):
        found = how(drawn(rng, 120, 4), 4, 1.0, [None] * 120, missing=0)  # type: ignore[operator]
        hits.append(found.low <= truths[how] <= found.high)  # type: ignore[index]
    assert 0.92 <= np.mean(hits) <= 0.99


def test_points_are_fractions_times_a_hundred() -> None:
    rows = drawn(np.random.default_rng(2), 200, 4)
    points = rows * [1, 100, 100**2, 100**2]
    for how, power in ((between_draws, 2), (between_questions, 2), (share_of_draws, 0)):
        one = how(rows, 4, 1.0, [None] * 200, missing=0)
        other = how(points, 4, 100.0, [None] * 200, missing=0)
        for a, b in ((one.value, other.value), (one.low, other.low), (one.high, other.high)):
            assert a is not None
            assert b == pytest.approx(a * 100**power)


def test_questions_that_differ_less_than_their_draws_are_all_draws() -> None:
    rows = np.tile([[1.0, 0.5, 0.25, 0.5], [1.0, 0.5, 0.25, 0.5]], (60, 1))
    rows[0], rows[1] = (1.0, 1.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0)
    assert float(share(rows.sum(axis=0), 2)) > 1
    found = share_of_draws(rows, 2, 1.0, [None] * 120, missing=0)
    assert (found.value, found.high) == (1.0, 1.0)
