"""Means of values from 0 to 1: against an independent computation, against simulation, and one sample at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import linalg

from lsm_eval.statistics.bounded import FloatArray, bounded_mean, robust_mean, score_interval
from lsm_eval.statistics.intervals import wilson


def interval(values: FloatArray, groups: NDArray[np.intp]) -> tuple[float, float]:
    rows = np.column_stack([values, np.ones(len(values))])
    found = bounded_mean(rows, groups, int(groups.max()) + 1, 0.95)
    assert not isinstance(found, str), found
    return found.low, found.high


def by_matrices(values: FloatArray, groups: NDArray[np.intp]) -> tuple[float, float]:
    """CR2 variance and Satterthwaite's degrees of freedom as their authors write them, with all matrices."""
    n = len(values)
    design = np.ones((n, 1))
    hat = design @ design.T / n
    residual = values - values.mean()
    parts, columns = [], []
    for group in range(int(groups.max()) + 1):
        own = np.flatnonzero(groups == group)
        adjust = linalg.fractional_matrix_power(np.eye(len(own)) - hat[np.ix_(own, own)], -0.5).real
        parts.append(float((design[own].T @ adjust @ residual[own]).item()) / n)
        columns.append((np.eye(n) - hat)[:, own] @ adjust @ design[own] / n)
    stacked = np.hstack(columns)
    weights = np.linalg.eigvalsh(stacked.T @ stacked)
    return float(np.square(parts).sum()), float(weights.sum() ** 2 / np.square(weights).sum())


@pytest.mark.parametrize("sizes", [[1] * 12, [5] * 6, [1, 2, 3, 10, 20], [30, 1, 1, 1, 1, 1, 1]])
def test_variance_and_degrees_of_freedom_are_those_of_the_matrices(sizes: list[int]) -> None:
    rng = np.random.default_rng(len(sizes))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    values = rng.random(len(groups))
    sums = np.column_stack([np.bincount(groups, values), np.bincount(groups).astype(float)])
    found = robust_mean(sums)
    variance, freedom = by_matrices(values, groups)
    assert found.stderr**2 == pytest.approx(variance, rel=1e-9)
    assert found.freedom == pytest.approx(freedom, rel=1e-9)


def test_samples_that_stand_alone_have_the_usual_standard_error() -> None:
    values = np.random.default_rng(0).random(30)
    found = robust_mean(np.column_stack([values, np.ones(30)]))
    assert found.stderr == pytest.approx(values.std(ddof=1) / np.sqrt(30))
    assert found.freedom == pytest.approx(29)


def test_one_cluster_that_dominates_bears_no_interval() -> None:
    coins = np.random.default_rng(0).integers(0, 2, 1000).astype(float)
    groups = np.concatenate([np.zeros(990, int), np.arange(1, 11)]).astype(np.intp)
    rows = np.column_stack([coins, np.ones(1000)])
    assert bounded_mean(rows, groups, 11, 0.95) == "one cluster holds 99 % of the samples"
    assert bounded_mean(rows[:40], np.arange(40, dtype=np.intp) % 4, 4, 0.95) == "only 4 clusters"


def test_samples_without_weight_are_passed_over() -> None:
    rows = np.array([[1.0, 1.0]] * 3 + [[0.0, 0.0]] * 97)
    found = bounded_mean(rows, np.arange(100, dtype=np.intp), 100, 0.95)
    assert not isinstance(found, str)
    assert found.low < 0.5, "three of three known is no certainty, whatever the 97 others"


@pytest.mark.parametrize(
    ("p", "correlation", "sizes"),
    [
        (0.5, 0.1, [10] * 20),
        (0.1, 0.1, [10] * 50),
        (0.5, 0.4, [2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28] * 2),
        (0.3, 0.0, [40, *([3] * 20)]),
        (0.02, 0.1, [10] * 20),
    ],
)
def test_clustered_proportions_are_covered(p: float, correlation: float, sizes: list[int]) -> None:
    rng = np.random.default_rng(11)
    groups = np.repeat(np.arange(len(sizes)), sizes).astype(np.intp)
    covered = 0
    for _ in range(600):
        share = np.full(len(sizes), p)
        if correlation:
            odds = (1 - correlation) / correlation
            share = rng.beta(p * odds, (1 - p) * odds, len(sizes))
        low, high = interval((rng.random(len(groups)) < share[groups]).astype(float), groups)
        covered += low <= p <= high
    assert covered / 600 > 0.925


@pytest.mark.parametrize(("a", "b"), [(0.3, 2.7), (0.1, 3.0), (2.0, 2.0)])
@pytest.mark.parametrize("n", [10, 30, 100])
def test_skewed_means_are_covered(a: float, b: float, n: int) -> None:
    rng = np.random.default_rng(12)
    groups = np.arange(n, dtype=np.intp)
    hits = [
        low <= a / (a + b) <= high for low, high in (interval(rng.beta(a, b, n), groups) for _ in range(600))
    ]
    assert np.mean(hits) > 0.935


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(5, 40), st.integers(1, 12), st.sampled_from([0.0, 0.01, 0.05, 0.5])
)
def test_no_end_jumps_where_one_sample_changes(seed: int, clusters: int, size: int, p: float) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(clusters), size).astype(np.intp)
    values = (rng.random(len(groups)) < p).astype(float)
    before = interval(values, groups)
    values[rng.integers(len(values))] = rng.choice([0.0, 0.5, 1.0])
    after = interval(values, groups)
    # Of the order of the interval's own width without clusters, and never a cliff.
    bound = 0.75 * (wilson(0, clusters, 0.95)[1])
    assert abs(before[0] - after[0]) <= bound
    assert abs(before[1] - after[1]) <= bound


def test_the_first_hit_is_no_cliff() -> None:
    groups = np.repeat(np.arange(20), 10).astype(np.intp)
    values = np.zeros(200)
    ends = [interval(values, groups)[1]]
    for hit in (0, 57, 111, 183):
        values[hit] = 1
        ends.append(interval(values, groups)[1])
    assert ends == sorted(ends, reverse=True)
    assert ends[0] == pytest.approx(0.18, abs=0.001), "with no hit a cluster is one trial"
    assert max(abs(one - other) for one, other in pairwise(ends)) < 0.07


def test_wilson_with_a_quantile_of_its_own() -> None:
    assert score_interval(0.25, 40, 1.959963984540054) == pytest.approx(wilson(10, 40, 0.95))


def test_values_that_are_all_alike_are_no_certainty_wherever_they_lie() -> None:
    """Twenty values of .5 say no more of the next than twenty zeros do."""
    groups = np.arange(20, dtype=np.intp)
    for value in (0.0, 0.25, 0.5, 1.0):
        low, high = interval(np.full(20, value), groups)
        assert high - low > 0.15
    values = np.full(20, 0.5)
    ends = [interval(values, groups)]
    for at in range(4):
        values[at] = 0.6
        ends.append(interval(values, groups))
    assert all(abs(one[1] - other[1]) < 0.12 for one, other in pairwise(ends))


def test_a_rare_value_among_equal_ones_is_covered() -> None:
    """One value in fourteen is 1, all others .5: of twenty, a fourth hold no 1."""
    rng = np.random.default_rng(13)
    groups = np.arange(20, dtype=np.intp)
    truth = 0.5 + 0.5 * 0.07
    held = [
        low <= truth <= high
        for low, high in (interval(np.where(rng.random(20) < 0.07, 1.0, 0.5), groups) for _ in range(400))
    ]
    assert np.mean(held) > 0.93
