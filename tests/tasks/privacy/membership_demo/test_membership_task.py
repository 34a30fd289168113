"""Passages of two splits as members and others."""

from __future__ import annotations

from pathlib import Path

import pytest
from mirrored_tasks import samples_of

from lsm_eval.benchmarks.privacy.membership_demo.rows import members
from lsm_eval.data import DataOptions, load
from lsm_eval.errors import UserError
from lsm_eval.requests import Perplexity
from lsm_eval.tasks.make_mirror import write_mirror
from lsm_eval.tasks.registry import Registry


def test_members_are_of_the_first_split(hub_mirror: Path) -> None:
    import pyarrow.parquet as pq

    folder = hub_mirror / "karpathy/tiny_shakespeare/default"
    splits = [
        pq.read_table(folder / f"{name}.parquet").column("text")[0].as_py()
        for name in ("train", "validation")
    ]
    samples = samples_of("membership_demo", hub_mirror)
    assert len(samples) == 200
    for sample in samples:
        assert isinstance(sample.request, Perplexity)
        assert sample.request.detail
        own, other = splits if sample.metadata["member"] else splits[::-1]
        assert sample.request.text in own
        assert sample.request.text not in other
    clusters = {sample.cluster for sample in samples}
    assert len(clusters) == 20
    assert {sample.metadata["member"] for sample in samples[:20]} == {True, False}, "a part has both, too"
    assert len({sample.request for sample in samples}) == 200


def test_a_mirror_of_two_splits_has_both(hub_mirror: Path, tmp_path: Path) -> None:
    (loaded,) = Registry().resolve(["membership_demo"])
    written = write_mirror([loaded], tmp_path, DataOptions(mirror=hub_mirror))
    assert sorted(record["split"] for record in written) == ["train", "validation"]
    dataset = loaded.task.dataset
    assert load(
        dataset, base=loaded.folder, options=DataOptions(mirror=tmp_path), pinned=dataset.sha256
    ).pinned


def test_members_need_two_texts_that_are_long_enough() -> None:
    with pytest.raises(UserError, match="two splits"):
        members([{"text": "one"}])
    with pytest.raises(UserError, match="more than a text's 3 words"):
        members([{"text": "one two three"}] * 2)
