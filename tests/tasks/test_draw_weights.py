"""A few samples of each cluster stand for whole clusters."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.tasks.draw import drawn, weights


def test_a_sample_stands_for_its_cluster_by_the_number_that_was_drawn() -> None:
    clusters = ["a"] * 6 + ["b"] * 2 + [None, None]
    assert weights(clusters, [0, 1, 2, 6, 9]) == [2.0, 2.0, 2.0, 2.0, 1.0]


def test_whole_clusters_weigh_one() -> None:
    clusters = [f"c{n // 7}" for n in range(350)]
    found = drawn(clusters, limit=60, each=None, key="0/t")
    assert set(weights(clusters, found)) == {1.0}


def test_weighted_means_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    sizes = [1, 2, 4, 40] * 25
    clusters = [f"c{at}" for at, size in enumerate(sizes) for _ in range(size)]
    values = np.array([float(len(sizes) and sizes[int(name[1:])] > 10) for name in clusters])
    values = np.where(rng.random(len(values)) < 0.1, 1 - values, values)
    plain, weighted = [], []
    for seed in range(200):
        found = drawn(clusters, limit=150, each=4, key=str(seed))
        plain.append(values[found].mean())
        weighted.append(np.average(values[found], weights=weights(clusters, found)))
    assert np.mean(weighted) == pytest.approx(values.mean(), abs=0.02)
    assert abs(np.mean(plain) - values.mean()) > 0.2
