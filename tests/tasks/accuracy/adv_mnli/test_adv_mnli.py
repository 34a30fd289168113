"""Adversarial GLUE's MNLI: both sets of pairs, each label by the word that the prompt asks for, changes of one pair together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
from mirrored_tasks import samples_of

from lsm_eval.requests import Score

WORDS = ("True", "Neither", "False")
"""For the labels entailment, neutral and contradiction."""


def test_both_sets_with_their_labels(hub_mirror: Path) -> None:
    samples = samples_of("adv_mnli", hub_mirror)
    for name in ("adv_mnli", "adv_mnli_mismatched"):
        rows = pq.read_table(hub_mirror / "AI-Secure" / "adv_glue" / name / "validation.parquet").to_pylist()
        own = [sample for sample in samples if sample.metadata["set"] == name]
        assert [one.choices[int(one.target[0])] for one in own] == [WORDS[row["label"]] for row in rows], name
        for sample, row in zip(own, rows, strict=True):
            assert isinstance(sample.request, Score)
            wanted = f"{row['premise']}\nQuestion: {row['hypothesis']} True, False or Neither?\nAnswer:"
            assert sample.request.context == wanted
    assert {sample.metadata["set"] for sample in samples} == {"adv_mnli", "adv_mnli_mismatched"}


def test_changes_of_one_pair_are_a_cluster(hub_mirror: Path) -> None:
    samples = samples_of("adv_mnli", hub_mirror)
    premises = Counter(
        sample.request.context.split("\nQuestion: ")[0]
        for sample in samples
        if isinstance(sample.request, Score)
    )
    assert sorted(Counter(sample.cluster for sample in samples).values()) == sorted(premises.values())
    assert max(premises.values()) > 1
