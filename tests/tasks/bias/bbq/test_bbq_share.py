"""A share of BBQ with a few samples a template is about all of BBQ: published answers of UnifiedQA, drawn again and again."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsm_eval.benchmarks.bias.bbq.code import BiasAmbiguous
from lsm_eval.benchmarks.bias.bbq.groups import bbq_metadata
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.draw import drawn, spread, weights
from lsm_eval.tasks.sample import Sample

CATEGORIES = ("Age", "Disability_status", "Religion", "Sexual_orientation")


def answered(golden: Path) -> list[tuple[Sample, Scored]]:
    """Items with the option that the answer is, word for word; the one other is left out. ARC is a format of the prompt."""
    column = json.loads((golden / "bbq_unifiedqa" / "expected.json").read_text())["columns"]["arc"]
    found = []
    for category in CATEGORIES:
        with gzip.open(golden / "bbq_unifiedqa" / f"{category}.jsonl.gz", "rt") as lines:
            for row in map(json.loads, lines):
                choices = tuple(row[f"ans{i}"] for i in range(3))
                said = [
                    i for i in range(3) if choices[i].strip(" .").lower() == row[column].strip(" .").lower()
                ]
                if len(said) != 1:
                    continue
                sample = Sample(
                    f"{category}/{row['example_id']}",
                    Score("", choices),
                    (row["label"],),
                    choices,
                    cluster=f"{category}-{row['question_index']}",
                    metadata={"context_condition": row["context_condition"], **bbq_metadata(row)},
                )
                answer = Scored(
                    tuple(0.0 if i == said[0] else -9.0 for i in range(3)), (1, 1, 1), (False,) * 3
                )
                found.append((sample, answer))
    return found


def test_a_share_of_four_a_template_is_about_the_whole(golden: Path) -> None:
    items = answered(golden)
    metric = BiasAmbiguous()
    clusters = [sample.cluster for sample, _ in items]

    def score(found: list[int], heavy: list[float]) -> tuple[float, float, float]:
        chosen = [replace(items[at][0], weight=weight) for at, weight in zip(found, heavy, strict=True)]
        ((_, made),), _ = score_task([metric], chosen, [items[at][1] for at in found], seed=0)
        assert made.value is not None
        assert made.low is not None
        assert made.high is not None
        return made.value, made.low, made.high

    whole, *_ = score(list(range(len(items))), [1.0] * len(items))
    assert whole == pytest.approx(0.3705, abs=5e-5)
    plain, weighted = [], []
    for seed in range(100):
        found = drawn(clusters, limit=400, each=4, key=f"{seed}/bbq")
        weighted.append(score(found, weights(clusters, found)))
        if seed < 25:
            plain.append(score(found, [1.0] * len(found)))
    # Templates with few items are stereotyped less: without weights they would count as much as the large ones.
    assert np.mean([value for value, *_ in plain]) == pytest.approx(0.27, abs=0.01)
    assert np.mean([value for value, *_ in weighted]) == pytest.approx(whole, abs=0.01)
    assert sum(low <= whole <= high for _, low, high in weighted) >= 93


def test_a_limit_is_about_the_whole(golden: Path) -> None:
    items = answered(golden)
    clusters = [sample.cluster for sample, _ in items]
    groups = [sample.id.split("/")[0] for sample, _ in items]
    made = []
    for seed in range(60):
        found = spread(groups, clusters, limit=100, key=str(seed))
        chosen = [items[at][0] for at in found], [items[at][1] for at in found]
        ((_, one),), _ = score_task([BiasAmbiguous()], *chosen, seed=0)
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        made.append((one.value, one.low, one.high))
    assert np.mean([value for value, *_ in made]) == pytest.approx(0.3705, abs=0.025)
    assert sum(low <= 0.3705 <= high for _, low, high in made) >= 56
