"""A sample table without its texts."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from typing import get_args

import pytest

from lsm_eval.results.redaction import MARK, Redact, redact, redact_row, withheld, withholds
from lsm_eval.results.schema import OPTIONAL_COLUMNS, SAMPLE_COLUMNS

SECRET = "a text that nobody may read"


def table() -> dict[str, list[object]]:
    """Two rows: one scored, one generated; every column holds the text where a text may be."""
    further = [{"request": "generate", "prompt": SECRET, "text": SECRET, "finish": "stop", "tokens": 3}]
    metadata = {"group": SECRET, "number": 3, "nested": {"list": [SECRET, 1, None]}}
    return {
        "task": ["t", "t"],
        "sample": ["0", "1"],
        "index": [0, 1],
        "cluster": [SECRET, None],
        "request": ["score", "generate"],
        "prompt": [SECRET, SECRET],
        "choices": [[SECRET, "b"], None],
        "continuations": [[SECRET, " b"], None],
        "logprobs": [[-1.0, -2.0], None],
        "tokens": [[1, 1], [3]],
        "greedy": [[True, False], None],
        "completion": [None, SECRET],
        "finish": [None, "stop"],
        "truncated": [0, 0],
        "target": [["0"], [SECRET]],
        "metadata": [json.dumps(metadata)] * 2,
        "failure": ["nan", None],
        "failure_detail": [SECRET, None],
        "weight": [1.0, 2.5],
        "asked": ["0f", None],
        "thoughts": [None, SECRET],
        "reasoning_tokens": [None, 3],
        "answer_tokens": [None, 2],
        "seconds": [None, 0.25],
        "further": [None, json.dumps(further)],
        "judgements": [None, json.dumps({"m": [{"q": {"answer": "yes"}}]})],
        "score.m": [1.0, None],
        "stats.m": [[1.0, 1.0], None],
        "a_later_column": [SECRET, [SECRET]],
    }


def test_no_text_is_left() -> None:
    columns = table()
    assert {*SAMPLE_COLUMNS, *OPTIONAL_COLUMNS} <= set(columns), "a new column: say here whether it is a text"
    found = redact(columns)
    assert list(found) == list(columns)
    assert SECRET not in json.dumps(found)
    assert json.dumps(columns).count(SECRET) > 12


def test_what_is_no_text_stays() -> None:
    columns, found = table(), redact(table())
    kept = (
        "task",
        "sample",
        "index",
        "request",
        "logprobs",
        "tokens",
        "greedy",
        "finish",
        "truncated",
        "failure",
        "weight",
        "reasoning_tokens",
        "answer_tokens",
        "seconds",
    )
    for name in (*kept, "judgements", "score.m", "stats.m"):
        assert found[name] == columns[name], name
    assert found["target"][0] == ["0"], "indices of right choices"
    assert found["cluster"][1] is None
    metadata = json.loads(found["metadata"][0])
    assert metadata["number"] == 3
    assert metadata["nested"]["list"][1:] == [1, None]
    (further,) = json.loads(found["further"][1])
    assert (further["request"], further["finish"], further["tokens"]) == ("generate", "stop", 3)


def test_hashes_are_kept() -> None:
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    assert withheld(SECRET) == f"{MARK}{digest}]"
    found = redact(table())
    assert found["prompt"] == [f"{MARK}{digest}]"] * 2
    assert found["choices"][0] == [withheld(SECRET), withheld("b")]
    assert found["cluster"][0] == found["prompt"][0], "equal texts stay equal: clusters still group samples"


def test_a_tasks_own_metadata_is_withheld_whatever_its_keys_are_called() -> None:
    columns = {"request": ["generate"], "metadata": [json.dumps({"request": "some text", "reason": "more"})]}
    assert "some text" not in str(redact(columns))
    assert "more" not in str(redact(columns))


LEVELS: tuple[Redact, ...] = get_args(Redact)


@pytest.mark.parametrize(
    ("level", "of"),
    [
        ("none", set()),
        ("licence", {"closed", "closed and sensitive"}),
        ("sensitive", {"closed", "sensitive", "closed and sensitive"}),
        ("all", {"open", "closed", "sensitive", "closed and sensitive"}),
    ],
)
def test_whose_texts_each_level_withholds(level: Redact, of: set[str]) -> None:
    tasks = {
        "open": (False, True),
        "closed": (False, False),
        "sensitive": (True, True),
        "closed and sensitive": (True, False),
    }
    assert of == {
        name
        for name, (sensitive, shown) in tasks.items()
        if withholds(level, sensitive=sensitive, redistributable=shown)
    }


def test_each_level_means_those_before_it_too() -> None:
    assert LEVELS == ("none", "licence", "sensitive", "all")
    for sensitive, shown in product((False, True), repeat=2):
        found = [withholds(level, sensitive=sensitive, redistributable=shown) for level in LEVELS]
        assert found == sorted(found), (sensitive, shown)


def test_a_row_is_redacted_as_its_table_is() -> None:
    columns = table()
    whole = redact(columns)
    for at in range(2):
        row = {name: values[at] for name, values in columns.items()}
        assert redact_row(row) == {name: values[at] for name, values in whole.items()}
