"""The interval of a change between two wordings: never certain of few samples, within its range, and covered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lsm_eval.robustness.change import change_estimate
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import proportion_interval

SHARE = (0.0, 1.0)


def made(differences: FloatArray, span: tuple[float, float] | None = SHARE) -> Estimate:
    return change_estimate(differences, [None] * len(differences), span=span, missing=0)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("number", [2, 3, 5, 20])
@pytest.mark.parametrize("change", [1.0, -1.0, 0.0, 0.5])
def test_the_same_change_in_all_samples_is_not_certain(number: int, change: float) -> None:
    found = made(np.full(number, change))
    low, high = ends(found)
    assert found.value == pytest.approx(change)
    assert -1 <= low <= change <= high <= 1
    assert high - low > 1 / number


def test_all_worse_of_five_is_as_far_as_none_of_five() -> None:
    _, (_, most) = proportion_interval(0, 5, 0.95)
    low, high = ends(made(np.ones(5)))
    assert low == pytest.approx(1 - np.hypot(most, most))
    assert high == 1
    assert ends(made(np.zeros(5))) == pytest.approx((-most, most))


def test_points_are_scaled_and_numbers_without_a_range_have_a_t_interval() -> None:
    moved = np.random.default_rng(0).uniform(-0.3, 0.5, 30)
    assert ends(made(100 * moved, (0.0, 100.0))) == pytest.approx([100 * end for end in ends(made(moved))])
    assert made(moved, None).method == "t"
    assert made(np.full(9, 2.5), None).method == "none (no spread between the samples)"
    assert made(3 * np.ones(9)).method == "none (no spread between the samples)", "out of the range"


@pytest.mark.parametrize(
    ("rate", "lost", "gained"), [(0.5, 0.02, 0.0), (0.5, 0.3, 0.05), (0.95, 0.02, 0.02), (0.9, 0.9, 0.1)]
)
@pytest.mark.parametrize("n", [10, 100, 400])
def test_it_is_covered(rate: float, lost: float, gained: float, n: int) -> None:
    rng = np.random.default_rng(1)
    truth, held = (1 - rate) * gained - rate * lost, 0
    for _ in range(250):
        before = rng.random(n) < rate
        after = np.where(before, rng.random(n) >= lost, rng.random(n) < gained)
        low, high = ends(made(after.astype(float) - before))
        held += low - 1e-12 <= truth <= high + 1e-12
    assert held / 250 > 0.915


def test_one_sample_more_that_changes_is_no_cliff() -> None:
    moved, seen = np.zeros(30), []
    for at in range(30):
        seen.append(ends(made(moved)))
        moved[at] = -1
    assert max(np.abs(np.subtract(one, other)).max() for one, other in pairwise(seen)) < 0.07


def test_clusters_widen_it() -> None:
    moved = np.tile([-1.0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 10)
    together = change_estimate(moved, [str(i % 10) for i in range(100)], span=SHARE, missing=0)
    alone = ends(made(moved))
    low, high = ends(together)
    assert high - low > 2 * (alone[1] - alone[0])
    few = change_estimate(moved, [str(i % 4) for i in range(100)], span=SHARE, missing=0)
    assert few.method == "none (only 4 clusters)"
