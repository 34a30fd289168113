"""ROUGE equals rouge-score's, and reads sentences and Chinese."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rouge_score.rouge_scorer import RougeScorer

from lsm_eval.errors import UserError
from lsm_eval.metrics.summarisation import split_sentences
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def value(spec: Any, completion: str, *refs: str) -> float:
    metric: Any = create(spec)
    found = metric.measure(Sample("s", Generate("p"), refs), Generated(completion, 1, "stop"))
    assert isinstance(found.value, float)
    return found.value


def test_every_kind_is_rouge_scores_on_real_summaries(hub_mirror: Path) -> None:
    rows = pq.read_table(hub_mirror / "knkarthick" / "dialogsum" / "default" / "test.parquet").to_pylist()[
        :20
    ]
    for stemmer in (True, False):
        scorer = RougeScorer(list(KINDS), use_stemmer=stemmer)
        for row in rows:
            completion, reference = row["dialogue"][:400], row["summary"]
            theirs = scorer.score(reference, completion)
            for kind in KINDS:
                options = {"use_stemmer": stemmer, **({"sentences": "lines"} if kind == "rougeLsum" else {})}
                ours = value({kind: options}, completion, reference)
                assert ours == pytest.approx(100 * theirs[kind].fmeasure, abs=1e-9)


def test_the_best_reference_counts() -> None:
    assert value("rouge1", "a cat sat", "no match here", "a cat sat down") == pytest.approx(100 * 6 / 7)


def test_the_stemmer_is_on_by_default_and_in_the_signature() -> None:
    assert value("rouge1", "running dogs", "run dog") == 100
    assert value({"rouge1": {"use_stemmer": False}}, "running dogs", "run dog") == 0
    assert "stemmer:yes" in create("rouge1").signature
    assert "stemmer:no" in create({"rouge1": {"use_stemmer": False}}).signature


def test_chinese_needs_characters() -> None:
    assert value("rouge1", "今天天气很好", "今天天气好") == 0
    assert value({"rouge1": {"tokenize": "char"}}, "今天天气很好", "今天天气好") == pytest.approx(
        100 * 10 / 11
    )
    assert value({"rouge1": {"tokenize": "char"}}, "用GPT-4写", "用 gpt 4 写") == 100
    with pytest.raises(UserError, match="stems"):
        create({"rouge1": {"tokenize": "char", "use_stemmer": True}})


def test_sentences_end_at_lines_and_punctuation() -> None:
    text = "One cat. Two dogs!  3.5 birds?\nA line\n\n今天好。明天呢？"
    assert split_sentences(text) == ["One cat.", "Two dogs!", "3.5 birds?", "A line", "今天好。", "明天呢？"]


def test_rouge_lsum_does_not_mind_the_order_of_sentences() -> None:
    here, there = "The cat sat. A dog ran.", "A dog ran. The cat sat."
    assert value("rougeLsum", here, there) == 100
    assert value("rougeL", here, there) == 50
    assert value({"rougeLsum": {"sentences": "lines"}}, here, there) == 50
