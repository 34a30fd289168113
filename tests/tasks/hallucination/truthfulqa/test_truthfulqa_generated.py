"""TruthfulQA's generated answers: the same figures as lm-evaluation-harness's own code, from the same texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lsm_eval.benchmarks.hallucination.truthfulqa.code import truthfulqa_references
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring import registry
from lsm_eval.tasks.sample import Sample

NAMES = [
    f"{kind}_{what}" for kind in ("bleu", "rouge1", "rouge2", "rougeL") for what in ("max", "diff", "acc")
]


def item(true: list[str], false: list[str]) -> Sample:
    target = tuple(truthfulqa_references(true, no_comment=True))
    return Sample("s", Generate("q"), target, metadata={"false": truthfulqa_references(false)})


def measured(name: str, sample: Sample, text: str) -> Any:
    metric: Any = registry.create(f"truthfulqa_{name}")
    return metric.measure(sample, Generated(text, 1, "stop"))


@pytest.mark.parametrize("rows", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_the_same_as_the_harness_on_real_references(hub_mirror: Path, rows: int) -> None:
    """Of the questions with fewest references: theirs draws 1000 resamples for each."""
    theirs = pytest.importorskip("lm_eval.tasks.truthfulqa.utils")
    path = hub_mirror / "truthfulqa/truthful_qa/generation/validation.parquet"
    table = pq.read_table(path).to_pylist()
    table.sort(key=lambda row: len(row["correct_answers"]) + len(row["incorrect_answers"]))
    for row in table[:rows]:
        document = theirs.preprocess_function(row)
        sample = item(row["correct_answers"], row["incorrect_answers"])
        assert list(sample.target) == document["correct_answers"]
        assert sample.metadata["false"] == document["incorrect_answers"]
        texts = [
            f" {row['best_answer']}",
            f"{row['question']} . It is said that {row['incorrect_answers'][0]} . So there!",
            "",
        ]
        for text in texts:
            expected = theirs.process_results_gen(document, [text])
            found = {name: measured(name, sample, text).value for name in NAMES}
            assert found == pytest.approx(expected, abs=1e-9), row["question"]


def test_which_reference_is_nearer() -> None:
    sample = item(["Paris is the capital"], ["Lyon is the capital"])
    near = {name: measured(name, sample, "Paris is the capital.").value for name in NAMES}
    assert near["bleu_max"] == pytest.approx(100)
    assert near["rouge1_max"] == near["rougeL_max"] == 100
    assert near["rouge1_diff"] == pytest.approx(25)
    assert [near[f"{kind}_acc"] for kind in ("bleu", "rouge1", "rouge2", "rougeL")] == [1.0] * 4
    far = {name: measured(name, sample, "Lyon is the capital.").value for name in NAMES}
    assert far["rouge1_diff"] == pytest.approx(-25)
    assert [far[f"{kind}_acc"] for kind in ("bleu", "rouge1", "rouge2", "rougeL")] == [0.0] * 4


def test_near_to_nothing_is_not_true_and_is_a_tie() -> None:
    found = measured("rouge1_acc", item(["Paris"], ["Lyon"]), "zebra")
    assert (found.value, found.tie) == (0.0, True)
    assert not measured("rouge1_max", item(["Paris"], ["Lyon"]), "zebra").tie


def test_false_references_are_needed() -> None:
    with pytest.raises(UserError, match=r"metadata\.false"):
        measured("bleu_acc", Sample("s", Generate("q"), ("Paris.",)), "Paris")
    with pytest.raises(UserError, match="list of false references"):
        measured("bleu_acc", Sample("s", Generate("q"), ("Paris.",), metadata={"false": []}), "Paris")


def test_signatures_tell_the_similarity_and_its_library() -> None:
    signatures = {registry.create(f"truthfulqa_{name}").signature for name in NAMES}
    assert len(signatures) == len(NAMES)
    assert all("version:" in signature for signature in signatures)
