"""Nulls in the data: an error that names them, or missing samples; and what a target may be."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from command_line import call

from lsm_eval.data.load import Table
from lsm_eval.errors import UserError
from lsm_eval.requests import Score
from lsm_eval.tasks.build import BuildOptions, build_samples, where_filter
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.schema import Task

BASE: dict[str, Any] = {
    "task": "colours", "version": 1, "title": "Colours", "area": "accuracy", "licence": "CC0-1.0", "source": "here",
    "dataset": {"file": "t.jsonl", "columns": ["q", "c", "a"]}, "request": "score", "prompt": "Q: {{ q }}\nA:",
    "choices": "{{ c }}", "target": "{{ a }}", "metrics": ["acc"],
}  # fmt: skip
GENERATE: dict[str, Any] = {"request": "generate", "choices": None, "metrics": ["exact_match"]}
GOOD = {"q": "Snow?", "c": ["white", "black"], "a": 0}


def built(rows: list[dict[str, Any]], shots: int = 0, **changes: Any) -> list[Sample]:
    loaded = LoadedTask(Task.model_validate({**BASE, **changes}), Path(), Path("colours.yaml"))
    data = Table(rows, [str(n) for n in range(len(rows))], "file", "t.jsonl", (), "test", None, "0" * 64)
    return build_samples(loaded, data, None, BuildOptions(shots=shots))


def refusal(row: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        built([GOOD, {**GOOD, **row}], **changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "changes", "key", "column"),
    [
        ({"q": None}, {}, "prompt", "q"),
        ({"c": ["white", None]}, {}, "choices", "c"),
        ({"c": None}, {}, "choices", "c"),
        ({"q": None}, {"prompt": "?", "further": "{{ [[q, ['x', 'y']]] if q else q }}"}, "further", "q"),
        ({"q": None}, {"choices": ["{{ q }}", "b"], "prompt": "?"}, "choices.0", "q"),
        ({"a": None}, {}, "target", "a"),
        ({"a": None}, {**GENERATE}, "target", "a"),
        ({"a": ["x", None]}, {**GENERATE}, "target", "a"),
        ({"a": None}, {**GENERATE, "target": "is {{ a }}"}, "target", "a"),
        ({"q": None}, {"prompt": "?", "instruction": "{{ q }}!"}, "instruction", "q"),
        ({"q": None}, {**GENERATE, "target": "x", "prompt": "?", "system": "Of {{ q }}"}, "system", "q"),
        ({"q": None}, {"prompt": "?", "cluster": "{{ q }}"}, "cluster", "q"),
        ({"q": None}, {"prompt": "?", "metadata": {"m": "{{ q }}s"}}, "metadata.m", "q"),
        ({"q": None}, {"prompt": "?", "further": ["{{ q }}?"]}, "further.0", "q"),
        ({"q": None}, {"prompt": "?", "further": "{{ [[q, ['x', 'y']]] }}"}, "further", "q"),
        ({"q": math.nan}, {}, "prompt", "q"),
    ],
)
def test_a_null_is_an_error_that_names_task_sample_and_column(
    row: dict[str, Any], changes: dict[str, Any], key: str, column: str
) -> None:
    sentence = refusal(row, **changes)
    assert sentence.startswith(f"colours.yaml, {key}: task 'colours', sample '1': the column {column!r} ")
    assert "`nulls: missing`" in sentence


def test_or_the_sample_is_missing() -> None:
    fine, missing = built([GOOD, {**GOOD, "q": None}], nulls="missing", metadata={"right": "{{ a }}"})
    assert fine.missing is None
    assert missing == Sample(
        id="1", request=Score("", ()), metadata={"right": 0}, missing="prompt: the column 'q' is null"
    )
    assert missing.requests == ()


def test_a_condition_that_cannot_be_decided() -> None:
    task = Task.model_validate({**BASE, "dataset": {**BASE["dataset"], "where": "a < 1"}})
    keep = where_filter(LoadedTask(task, Path(), Path("colours.yaml")))
    assert keep is not None
    assert keep(GOOD)
    with pytest.raises(
        UserError, match=r"dataset.where: the column 'a' is null in a row: say what becomes of it"
    ):
        keep({**GOOD, "a": None})


def test_metadata_that_metrics_read_as_it_is_may_be_null() -> None:
    (sample,) = built([{**GOOD, "q": None}], prompt="?", metadata={"m": "{{ q }}"})
    assert sample.metadata == {"m": None}


def test_an_example_with_a_null_is_no_example() -> None:
    rows = [GOOD, {**GOOD, "q": "Coal?", "a": None}, {**GOOD, "q": "Milk?"}]
    with pytest.raises(UserError, match="in example 1"):
        built(rows, shots=1)
    first = built(rows, shots=1, nulls="missing")[0].request
    assert isinstance(first, Score)
    assert first.context == "Q: Milk?\nA: white\n\nQ: Snow?\nA:"


@pytest.mark.parametrize(("value", "index"), [(1, 1), (1.0, 1), ("1", 1), (" 0 ", 0), ([0, 1.0], 0)])
def test_a_whole_number_is_an_index(value: Any, index: int) -> None:
    (sample,) = built([{**GOOD, "a": value}])
    assert sample.target[0] == index


@pytest.mark.parametrize(
    "value",
    [
        0.9,
        True,
        False,
        "1.5",
        "0.0",
        "1_0",
        "one",
        math.inf,
        math.nan,
        10**400,
        "9" * 400,
        [0, 0.5],
        {},
        -0.5,
    ],
)
def test_anything_else_is_none(value: Any) -> None:
    assert any(words in refusal({"a": value}) for words in ("of sample '1' is no index", "not among its 2"))


def test_the_sentence_about_an_index() -> None:
    assert "colours.yaml: target 0.9 of sample '1' is no index" in refusal({"a": 0.9})
    assert "target 2 of sample '1' is not among its 2 choices" in refusal({"a": 2})
    assert "0.9" not in refusal({"a": 0.9}, sensitive=True)


def test_labels_are_0_or_1() -> None:
    fine = {**GOOD, "a": [False, 1.0]}
    (sample,) = built([fine], target_labels=True)
    assert sample.target == (1,)
    for labels in ([0.5, 1], ["yes", 0], [2, 0]):
        with pytest.raises(UserError, match="of sample '1' is no list of labels"):
            built([fine, {**fine, "a": labels}], target_labels=True)


def test_references_and_choices_are_texts_or_numbers() -> None:
    (sample,) = built([{**GOOD, "a": ["4", 4, 4.5]}], **GENERATE)
    assert sample.target == ("4", "4", "4.5")
    assert "True is a boolean and no text" in refusal({"a": True}, **GENERATE)
    assert "choices, sample '1': True is a boolean and no text" in refusal({"c": [True, False]})
    assert "a value is dict and no text" in refusal({"c": [{}, "x"]})
    (sample,) = built([{**GOOD, "a": True}], **{**GENERATE, "target": "{{ 'yes' if a else 'no' }}"})
    assert sample.target == ("yes",)


def test_missing_samples_are_counted_and_not_asked(tmp_path: Path, own_cache: Path) -> None:
    from lsm_eval.results.reader import read_records

    task = {**BASE, "nulls": "missing"}
    (tmp_path / "colours.yaml").write_text(json.dumps(task), encoding="utf-8")
    rows = [GOOD, {**GOOD, "q": None}, {**GOOD, "c": ["a", None]}, {**GOOD, "a": 1}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = call(
        "run", "--tasks", tmp_path / "colours.yaml", "--model", "builtin:first", "--store", "none", "--out",
        tmp_path / "out",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "colours: missing because 2 null." in done.err
    (record,) = read_records(tmp_path / "out")
    (row,) = (row for row in record.estimates if row.metric == "acc")
    assert (row.value, row.n, row.missing) == (0.5, 2, 2)
    assert record.tasks["colours"].failures == {"null": 2}
    assert record.manifest.requests["asked"] == 2
    table = record.samples("colours").to_pylist()
    assert [one["failure"] for one in table] == [None, "null", "null", None]
    assert table[1]["failure_detail"] == "prompt: the column 'q' is null"
