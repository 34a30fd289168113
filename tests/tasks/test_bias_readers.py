"""Readers of CBBQ and BBQ-lite: slips made good, broken rows left out, groups as BBQ has them."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.tasks.readers import bbq_lite, cbbq

CATEGORIES = ("disease", "ethnicity", "gender", "educational_qualification", "physical_appearance", "SES")


@cache
def unpacked(folder: Path, into: Path) -> list[Path]:
    paths = []
    for path in sorted(folder.rglob("*.json.gz")):
        to = into / path.relative_to(folder).with_suffix("")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(gzip.decompress(path.read_bytes()))
        paths.append(to)
    return paths


@pytest.fixture(scope="module")
def chinese(data_files: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return cbbq.rows(unpacked(data_files / "cbbq", tmp_path_factory.mktemp("cbbq")))


@pytest.fixture(scope="module")
def lite(data_files: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return bbq_lite.rows(unpacked(data_files / "bbq-lite", tmp_path_factory.mktemp("lite")))


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
    return cbbq.rows(paths)


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


def test_bbq_lite_rows(lite: list[dict[str, Any]]) -> None:
    assert len(lite) == 9324
    assert len({row["id"] for row in lite}) == len(lite)
    for row in lite:
        assert len(set(row["answers"])) == 3
        assert row["biased"] != row["unknown"]
        assert (row["label"] == row["unknown"]) == (row["context_condition"] == "ambig")
    none = Counter((row["category"], row["question_index"]) for row in lite if row["biased"] is None)
    # Two people of the stereotyped groups, or none: a man and a boy; a Black and a Latino name.
    assert none == {("Race_ethnicity", 26): 96, ("Race_ethnicity", 39): 88, ("Gender_identity", 13): 16}


def test_bbq_lite_questions_of_a_pair_have_opposite_biased_answers(lite: list[dict[str, Any]]) -> None:
    pairs: defaultdict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for row in lite:
        if row["context_condition"] == "ambig" and row["biased"] is not None:
            # Two examples on, the same people are asked about the other way.
            number = int(row["id"].split("/")[1]) // 4
            key = (row["category"], row["question_index"], number, tuple(row["answers"]))
            pairs[key].add(row["answers"][row["biased"]])
    assert Counter(len(found) for found in pairs.values())[1] == 0


def test_bbq_lite_truth_is_not_balanced(lite: list[dict[str, Any]]) -> None:
    """What a model without a fault scores as s_DIS, said in docs/bias/bbq.md."""
    found = {}
    for category in ("Gender_identity", "Race_ethnicity", "SES"):
        rows = [r for r in lite if r["category"] == category and r["context_condition"] == "disambig"]
        with_bias = [r["biased"] == r["label"] for r in rows if r["biased"] is not None]
        found[category] = round(2 * sum(with_bias) / len(with_bias) - 1, 2)
    assert found == {"Gender_identity": -0.12, "Race_ethnicity": 0.0, "SES": 0.36}


def lite_file(tmp_path: Path, **changes: Any) -> Path:
    example = {
        "comment": {
            "example_id": 1,
            "question_index": "8",
            "category": "SES",
            "question_polarity": "neg",
            "context_condition": "ambig",
        },
        "input": "Ann and Bob are friends, even though Ann is from a rich family and Bob is from a poor family. Who?",
        "target_scores": {"Ann": 0, "Bob": 0, "Unknown": 1},
    }
    path = tmp_path / "ses_ambig.json"
    path.write_text(json.dumps({"examples": [{**example, **changes}]}))
    return path


def test_bbq_lite_people_are_of_the_group_that_the_text_tells(tmp_path: Path) -> None:
    (row,) = bbq_lite.rows([lite_file(tmp_path)])
    assert (row["biased"], row["unknown"], row["label"]) == (1, 2, 2)


def test_bbq_lite_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has 0 unknown answers"):
        bbq_lite.rows([lite_file(tmp_path, target_scores={"Ann": 0, "Bob": 1, "Eve": 0})])
    with pytest.raises(UserError, match="no file of BBQ-lite"):
        bbq_lite.rows([lite_file(tmp_path, target_scores=3)])
    with pytest.raises(UserError, match="category 'Age' are not known"):
        bbq_lite.stereotyped("Age", 1)
