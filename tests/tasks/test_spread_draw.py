"""What `--limit` draws: over all groups in proportion, pairs whole, seeded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from lsm_eval.data.load import load
from lsm_eval.data.options import DataOptions
from lsm_eval.tasks.build import BuildOptions, Built, build, where_filter
from lsm_eval.tasks.draw import spread
from lsm_eval.tasks.registry import Registry, load_task

GROUPS = ["a"] * 700 + ["b"] * 200 + ["c"] * 100
ALONE: list[str | None] = [None] * 1000


def counts(found: Sequence[int]) -> Counter[str]:
    return Counter(GROUPS[at] for at in found)


@pytest.mark.parametrize("limit", [10, 50, 101, 999])
def test_every_group_has_its_share(limit: int) -> None:
    found = spread(GROUPS, ALONE, limit=limit, key="0")
    assert found == sorted(set(found))
    assert len(found) == limit
    for group, share in (("a", 0.7), ("b", 0.2), ("c", 0.1)):
        assert abs(counts(found)[group] - limit * share) <= 2


def test_a_small_limit_draws_of_what_a_larger_one_does() -> None:
    small, large = (set(spread(GROUPS, ALONE, limit=limit, key="0")) for limit in (20, 200))
    assert small < large
    assert small != set(spread(GROUPS, ALONE, limit=20, key="1"))


def test_pairs_stay_whole_and_a_large_cluster_does_not_fill_the_limit() -> None:
    pairs = [f"p{at // 2}" for at in range(600)]
    clusters = [*pairs, *["large"] * 400]
    found = spread([None] * 1000, clusters, limit=100, key="0")
    sizes = Counter(clusters[at] for at in found)
    large = sizes.pop("large")
    assert set(sizes.values()) == {2}
    assert 25 <= large <= 55
    assert len(found) == 100
    # Of the large one, too, neighbours come together.
    assert all(at ^ 1 in found for at in found)


def test_there_is_one_more_at_most() -> None:
    threes = [f"t{at // 3}" for at in range(30)]
    for limit in range(1, 30):
        assert limit <= len(spread([None] * 30, threes, limit=limit, key="0")) <= limit + 1


def test_every_sample_is_as_likely_as_another() -> None:
    groups = ["x"] * 6 + ["y"] * 3
    clusters = ["m", "m", "m", "m", None, None, "n", "n", None]
    times = Counter(at for seed in range(3000) for at in spread(groups, clusters, limit=3, key=str(seed)))
    mean = sum(times.values()) / 9
    assert all(abs(times[at] - mean) < 0.12 * mean for at in range(9))


def test_a_cluster_over_two_groups_stays_whole() -> None:
    groups = ["pro", "anti"] * 50
    clusters = [f"pair{at // 2}" for at in range(100)]
    found = spread(groups, clusters, limit=20, key="0")
    assert set(Counter(clusters[at] for at in found).values()) == {2}


def of_hundred(name: str, hub: Path, files: Path, *, first: bool = False) -> Built:
    loaded = load_task(Registry().tasks[name])
    table = load(
        loaded.task.dataset,
        base=loaded.folder,
        options=DataOptions(mirror=hub, files=files, offline=True),
        pinned=loaded.task.dataset.sha256,
        keep=where_filter(loaded),
    )
    return build(loaded, table, None, BuildOptions(shots=0, limit=100, first=first))


@pytest.mark.parametrize(
    ("name", "key", "groups", "seen"),
    [
        ("mmlu", "subject", 57, 45),
        ("cmmlu", "subject", 61, 50),
        ("halluqa", "category", 3, 3),
        ("safetybench_zh", "category", 7, 7),
        ("bbq", "category", 5, 5),
    ],
)
def test_a_hundred_are_of_the_whole_task(
    name: str, key: str, groups: int, seen: int, hub_mirror: Path, data_files: Path
) -> None:
    built = of_hundred(name, hub_mirror, data_files)
    assert built.groups == groups
    assert len(built.samples) in (100, 101)
    assert len({sample.metadata[key] for sample in built.samples}) >= seen
    again = of_hundred(name, hub_mirror, data_files)
    assert [sample.id for sample in again.samples] == [sample.id for sample in built.samples]


def test_the_first_are_of_one_subject(hub_mirror: Path, data_files: Path) -> None:
    built = of_hundred("mmlu", hub_mirror, data_files, first=True)
    assert built.groups is None
    assert {sample.metadata["subject"] for sample in built.samples} == {"abstract_algebra"}
    assert [sample.id for sample in built.samples] == [str(at) for at in range(100)]
