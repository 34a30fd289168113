"""Perplexities as lm-evaluation-harness's wikitext task has them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from lsm_eval.requests import Likelihood, Perplexity
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample

NAMES = ("word_perplexity", "byte_perplexity", "bits_per_byte", "token_perplexity")


def total(name: str, samples: list[Sample], answers: list[Likelihood]) -> float:
    metric: Any = create(name)
    rows = [metric.measure(s, a).statistics for s, a in zip(samples, answers, strict=True)]
    return float(metric.aggregate(np.array(rows).sum(axis=0)))


def test_all_four_by_hand() -> None:
    samples = [Sample("a", Perplexity("é b")), Sample("b", Perplexity("c d e"))]
    answers = [Likelihood(-6.0, 2), Likelihood(-4.0, 8)]
    assert total("word_perplexity", samples, answers) == pytest.approx(math.exp(10 / 5))
    assert total("byte_perplexity", samples, answers) == pytest.approx(math.exp(10 / 9))
    assert total("bits_per_byte", samples, answers) == pytest.approx(10 / 9 / math.log(2))
    assert total("token_perplexity", samples, answers) == pytest.approx(math.exp(10 / 10))


def test_words_and_bytes_are_the_original_texts() -> None:
    detokenised = [Sample("a", Perplexity("it's 1,000"), metadata={"original": "it 's 1 @,@ 000"})]
    answer = [Likelihood(-6.0, 4)]
    assert total("word_perplexity", detokenised, answer) == pytest.approx(math.exp(6 / 5))
    assert total("byte_perplexity", detokenised, answer) == pytest.approx(math.exp(6 / 15))


def test_words_are_counted_on_real_pages_as_lm_eval_does(hub_mirror: Path) -> None:
    path = hub_mirror / "EleutherAI" / "wikitext_document_level"
    files = sorted(path.glob("**/*.parquet")) if path.is_dir() else []
    if not files:
        pytest.skip("the mirror has no EleutherAI/wikitext_document_level")
    pages = pq.read_table(files[0]).column("page").to_pylist()[:10]
    samples = [
        Sample(str(i), Perplexity("scored"), metadata={"original": page}) for i, page in enumerate(pages)
    ]
    answers = [Likelihood(-3.0 * len(page), 1) for page in pages]
    words = sum(len(re.split(r"\s+", page)) for page in pages)
    expected = math.exp(sum(3.0 * len(page) for page in pages) / words)
    assert total("word_perplexity", samples, answers) == pytest.approx(expected)


def test_a_samples_own_value_and_the_empty_sum() -> None:
    metric: Any = create("word_perplexity")
    assert metric.measure(Sample("a", Perplexity("x y")), Likelihood(-2.0, 2)).value == pytest.approx(math.e)
    assert np.isnan(metric.aggregate(np.zeros(2)))
    assert [create(name).unit for name in NAMES] == ["perplexity", "perplexity", "bits", "perplexity"]
