"""A share of a task: by cluster, seeded, about as large as asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lsm_eval.errors import UserError
from lsm_eval.tasks.draw import drawn
from lsm_eval.tasks.registry import Registry

CLUSTERS = [f"c{n // 7}" for n in range(350)]


def test_clusters_stay_whole() -> None:
    found = drawn(CLUSTERS, limit=60, each=None, key="0/t")
    sizes = Counter(CLUSTERS[at] for at in found)
    assert set(sizes.values()) == {7}
    assert 60 <= len(found) < 67
    assert found == sorted(found)


def test_a_few_of_each_of_many_clusters() -> None:
    found = drawn(CLUSTERS, limit=60, each=2, key="0/t")
    sizes = Counter(CLUSTERS[at] for at in found)
    assert len(found) == 60
    assert len(sizes) == 30
    assert max(sizes.values()) == 2


def test_the_draw_hangs_on_the_key_and_on_names_alone() -> None:
    def names(order: list[str], key: str) -> set[str]:
        return {order[at] for at in drawn(order, limit=60, each=None, key=key)}

    assert names(CLUSTERS, "0/t") == names(CLUSTERS[::-1], "0/t")
    assert names(CLUSTERS, "0/t") != names(CLUSTERS, "1/t")


def test_every_sample_is_as_likely_as_another() -> None:
    clusters = [None, "a", "a", "b", "b", "b"]
    times = Counter(at for seed in range(2000) for at in drawn(clusters, limit=1, each=1, key=str(seed)))
    assert all(times[at] > 0 for at in range(6))
    assert abs(times[0] / 2000 - 1 / 3) < 0.05


def test_a_suite_names_shares_of_tasks(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "suite: part\ntitle: Part\ntasks: [lambada, {task: bbq, limit: 40, each: 2}]\n", encoding="utf-8"
    )
    lambada, bbq = Registry([tmp_path]).resolve(["part"])
    assert lambada.share is None
    assert bbq.share is not None
    assert (bbq.share.limit, bbq.share.each) == (40, 2)
    (tmp_path / "s.yaml").write_text(
        "suite: part\ntitle: Part\ntasks: [{task: bbqq, limit: 40}]\n", encoding="utf-8"
    )
    with pytest.raises(UserError, match="bbq"):
        Registry([tmp_path]).resolve(["part"])
