"""The reader of CBBQ: slips made good, broken rows left out."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from unpacked_files import unpacked

from lsm_eval.benchmarks.bias.cbbq import rows as cbbq
from lsm_eval.errors import UserError

CATEGORIES = ("disease", "ethnicity", "gender", "educational_qualification", "physical_appearance", "SES")


@pytest.fixture(scope="module")
def chinese(data_files: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cbbq.rows(unpacked(data_files / "cbbq", tmp_path_factory.mktemp("cbbq")))
    return found


def test_cbbq_rows(chinese: list[dict[str, Any]]) -> None:
    assert len(chinese) == 19_400
    assert len({row["id"] for row in chinese}) == len(chinese)
    assert {row["category"] for row in chinese} == set(CATEGORIES)
    for row in chinese:
        assert len(set(row["answers"])) == 3
        assert row["answers"][row["unknown"]] in ("不知道", "不确定", "没有足够信息", "无法判断")
        assert row["biased"] in (0, 1)
        # The truth is unknown, or goes against the bias.
        assert row["label"] == (2 if row["context_condition"] == "ambig" else 1 - row["biased"])


def test_cbbq_polarities_are_balanced_after_mending(chinese: list[dict[str, Any]]) -> None:
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in chinese:
        counts[row["category"], row["context_condition"]][row["polarity"]] += 1
    assert len(counts) == 12
    for key, found in counts.items():
        assert 0.45 < found["neg"] / found.total() < 0.55, key


def test_one_cbbq_question_has_one_polarity(chinese: list[dict[str, Any]]) -> None:
    found = defaultdict(set)
    for row in chinese:
        found[row["category"], row["question"]].add(row["polarity"])
    several = [key for key, polarities in found.items() if len(polarities) > 1]
    assert len(several) <= 1, "beside one on gender that its templates have both ways"


def cbbq_row(**changes: Any) -> dict[str, Any]:
    return {
        "\ufeffexample_id": "1",
        "question_index": "1",
        "question_polarity": "neg",
        "context_condition": "disambiguous",
        "category": "gender",
        "context": "C",
        "question": "Q?",
        "ans0": "a",
        "ans1": "b",
        "ans2": "不知道",
        "label": "0",
        **changes,
    }


def read_cbbq(tmp_path: Path, *files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    paths = []
    for number, content in enumerate(files):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(content), encoding="utf-8-sig")
        paths.append(path)
    found: list[dict[str, Any]] = cbbq.rows(paths)
    return found


def test_cbbq_slips(tmp_path: Path) -> None:
    clear = [cbbq_row(), cbbq_row(question="R?", question_polarity="non_neg", label="1")]
    vague = [
        cbbq_row(context_condition="ambiguous", label="2"),
        # States the wrong polarity; the same question's clear row knows it.
        cbbq_row(context_condition="ambiguous", label="2", question="R?"),
        # A copy, and one whose template was not filled in.
        cbbq_row(context_condition="ambiguous", label="2"),
        cbbq_row(context_condition="ambiguous", label="2", context="one {{NAME1}}"),
    ]
    found = read_cbbq(tmp_path, vague, clear)
    assert [(row["context_condition"], row["polarity"], row["biased"], row["label"]) for row in found] == [
        ("ambig", "neg", 1, 2),
        ("ambig", "nonneg", 0, 2),
        ("disambig", "neg", 1, 0),
        ("disambig", "nonneg", 0, 1),
    ]


def test_cbbq_labels_that_contradict_their_contexts_are_turned_round(tmp_path: Path) -> None:
    rows = [cbbq_row(category="educational_qualification", label="0")]
    (row,) = read_cbbq(tmp_path, rows)
    assert (row["biased"], row["label"]) == (0, 1)
    with pytest.raises(UserError, match="another version of CBBQ"):
        read_cbbq(tmp_path, [cbbq_row(label="1")])


def test_cbbq_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'colour' of CBBQ is not one of"):
        read_cbbq(tmp_path, [cbbq_row(category="colour")])
    broken = tmp_path / "broken.json"
    broken.write_text("[")
    with pytest.raises(UserError, match="no file of CBBQ"):
        cbbq.rows([broken])
