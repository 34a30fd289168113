"""Recall at a budget of errors: against simulation, and never without width."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import wilson
from lsm_eval.statistics.recall import recall_at, recall_estimate


def made(confidence: FloatArray, right: FloatArray, clusters: list[str] | None = None) -> Estimate:
    return recall_estimate(confidence, right, 0.1, clusters or [None] * len(right), missing=0)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize(
    ("share", "apart", "n", "size"),
    [(0.05, 1.0, 100, 1), (0.3, 1.0, 100, 1), (0.8, 0.0, 100, 1), (0.8, 1.0, 500, 1), (0.3, 1.0, 500, 5)],
)
def test_it_is_covered_and_not_three_times_too_wide(share: float, apart: float, n: int, size: int) -> None:
    rng = np.random.default_rng(1)
    threshold = brentq(lambda at: (1 - share) * norm.sf(at) - 0.1, -9, 9)
    truth = share * norm.sf(threshold - apart)
    held, widths, values = 0, [], []
    for _ in range(250):
        right = (rng.random(n // size).repeat(size) < share).astype(float)
        luck = np.sqrt(0.5) * (rng.standard_normal(n // size).repeat(size) + rng.standard_normal(n))
        found = made(luck + apart * right, right, None if size == 1 else [str(i // size) for i in range(n)])
        low, high = ends(found)
        held += low <= truth <= high
        widths.append(high - low)
        values.append(found.value)
    assert held / 250 > 0.915
    assert np.mean(widths) < 3 * 1.96 * 2 * np.std(np.array(values, float))


def test_none_and_all_found_are_not_certain() -> None:
    nothing = made(np.linspace(1, 0, 20), np.zeros(20))
    assert (nothing.value, nothing.low) == (0.0, 0.0)
    assert nothing.high == pytest.approx(0.18, abs=0.005)
    every = made(np.linspace(1, 0, 200), np.ones(200))
    assert (every.value, every.high) == (1.0, 1.0)
    assert every.low == pytest.approx(wilson(200, 200, 0.95)[0], abs=0.005)


def test_the_interval_holds_the_value_whatever_comes() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        n = int(rng.integers(2, 30))
        confidence, right = rng.integers(0, 4, n).astype(float), (rng.random(n) < rng.random()).astype(float)
        for errors in (0.0, 0.1, 0.5, 1.0):
            found = recall_estimate(confidence, right, errors, [None] * n, missing=0)
            assert found.value == recall_at(confidence, right, errors)
            low, high = ends(found)
            assert 0 <= low <= found.value <= high <= 1
            assert high > low


def test_few_clusters_have_no_interval() -> None:
    right = np.tile([1.0, 0.0], 20)
    found = made(np.linspace(1, 0, 40), right, [str(i % 4) for i in range(40)])
    assert (found.low, found.method) == (None, "none (only 4 clusters)")
    assert made(np.linspace(1, 0, 40), right, [str(i % 8) for i in range(40)]).method.endswith("(clusters)")
