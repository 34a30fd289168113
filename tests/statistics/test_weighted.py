"""Holm's correction with weights."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.multiple import holm
from lsm_eval.statistics.comparison.weighted import weighted_holm


def closed(p: list[float], weights: list[float]) -> list[float]:
    """By the closure of weighted Bonferroni tests, over all sets of hypotheses (Marcus et al. 1976)."""
    found = []
    for one in range(len(p)):
        sets = [s for size in range(1, len(p) + 1) for s in combinations(range(len(p)), size) if one in s]
        tests = [min(p[at] * sum(weights[k] for k in s) / weights[at] for at in s) for s in sets]
        found.append(min(1.0, max(tests)))
    return found


def test_it_is_the_closure_of_weighted_bonferroni() -> None:
    draws = np.random.default_rng(0)
    for _ in range(50):
        number = int(draws.integers(1, 7))
        p = (draws.random(number) ** 3).tolist()
        weights = draws.choice([0.5, 1.0, 3.0], number).tolist()
        assert weighted_holm(p, weights) == pytest.approx(closed(p, weights))


def test_equal_weights_are_holms() -> None:
    p = np.random.default_rng(1).random(20)
    assert weighted_holm(p.tolist(), [2.0] * 20) == pytest.approx(holm(p))
    assert len(weighted_holm([], [])) == 0


def test_a_weight_of_nothing() -> None:
    with pytest.raises(UserError, match="not above 0"):
        weighted_holm([0.1, 0.2], [1.0, 0.0])
