"""The order in which samples are asked for looks: whole clusters, seeded, by names alone."""

from __future__ import annotations

import pytest

from lsm_eval.gating.early.order import slices

IDS = [f"q{at}" for at in range(100)]


def test_every_sample_once_and_a_tenth_at_each_look() -> None:
    found = slices(IDS, [None] * 100, 10, key="0/task")
    assert [len(part) for part in found] == [10] * 10
    assert sorted(at for part in found for at in part) == list(range(100))
    assert found != slices(IDS, [None] * 100, 10, key="1/task")
    assert found != slices(IDS, [None] * 100, 10, key="0/other")


@pytest.mark.parametrize("size", [2, 7, 30, 100])
def test_clusters_stay_whole(size: int) -> None:
    clusters = [f"c{at // size}" for at in range(100)]
    found = slices(IDS, clusters, 10, key="0/task")
    look_of = {at: look for look, part in enumerate(found) for at in part}
    assert len(look_of) == 100
    for name in set(clusters):
        assert len({look_of[at] for at, own in enumerate(clusters) if own == name}) == 1
    asked = 0
    for look, part in enumerate(found):
        asked += len(part)
        assert asked >= 10 * (look + 1)


def test_names_settle_the_order_and_not_places() -> None:
    clusters = [f"c{at // 3}" if at % 2 else None for at in range(100)]
    found = slices(IDS, clusters, 10, key="0/task")
    turned = slices(IDS[::-1], clusters[::-1], 10, key="0/task")
    named = [{IDS[at] for at in part} for part in found]
    assert named == [{IDS[::-1][at] for at in part} for part in turned]


def test_fewer_samples_than_looks() -> None:
    found = slices(IDS[:3], [None] * 3, 10, key="0/task")
    assert sorted(at for part in found for at in part) == [0, 1, 2]
    assert slices([], [], 10, key="0/task") == ((),) * 10
