"""The range of several means: against the studentised range's distribution, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lsm_eval.statistics.spread import DRAWS, spread


@pytest.mark.parametrize(("groups", "size"), [(2, 2.0), (5, 3.0), (10, 4.5)])
def test_the_test_is_that_of_the_studentised_range(groups: int, size: float) -> None:
    means = np.linspace(0, size, groups)
    found = spread(means, np.ones(groups), seed=0, level=0.95)
    exact = float(stats.studentized_range.sf(size, groups, np.inf))
    assert found.plug_in == size
    assert found.p == pytest.approx(exact, abs=1e-3 + 4 * np.sqrt(exact / DRAWS))


@pytest.mark.parametrize(
    "truth", [[0.0] * 8, [0.0] * 7 + [0.4], [0.0, 0.4] * 9, list(np.linspace(0, 0.6, 4)), [0.0, 0.1]]
)
def test_the_true_spread_is_covered_and_that_of_equal_groups_is_near_0(truth: list[float]) -> None:
    rng = np.random.default_rng(len(truth))
    errors = 0.1 * np.linspace(0.7, 1.3, len(truth))
    aim, held, values, plain = max(truth) - min(truth), 0, [], []
    for seed in range(300):
        found = spread(truth + errors * rng.standard_normal(len(truth)), errors, seed=seed, level=0.95)
        assert found.low <= found.value <= found.high
        if found.p > 0.025:
            assert found.low == 0
        held += found.low <= aim <= found.high
        values.append(found.value)
        plain.append(found.plug_in)
    assert held >= 279
    assert abs(np.mean(values) - aim) < abs(np.mean(plain) - aim) + 0.05
    if aim == 0:
        assert np.mean(values) < 0.07 < 0.25 < np.mean(plain)


@pytest.mark.parametrize("truth", [[0.0, 0.4] * 9, [0.0] * 17 + [0.4]])
def test_the_lower_end_holds_where_errors_are_unlike(truth: list[float]) -> None:
    rng = np.random.default_rng(7)
    errors = np.repeat([0.05, 0.2], 9)
    made = [
        spread(truth + errors * rng.standard_normal(18), errors, seed=seed, level=0.95) for seed in range(300)
    ]
    assert sum(one.low > 0.4 for one in made) <= 15
