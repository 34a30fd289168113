"""Rows from files beside the task file, and from Python functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lsm_eval.data import DataOptions, Table, content_hash, load
from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError


def _load(dataset: Dataset, base: Path = Path(), split: str | None = None) -> Table:
    return load(dataset, split=split, base=base, options=DataOptions(), pinned=None)


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
def test_files(kind: str, tmp_path: Path) -> None:
    rows = [
        {"question": "q, ü", "answer": "x", "unused": "1"},
        {"question": 'q"2\n', "answer": "", "unused": "2"},
    ]
    path = tmp_path / f"quiz.{kind}"
    if kind == "jsonl":
        path.write_text(
            "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8-sig"
        )
    elif kind == "json":
        path.write_text(json.dumps(rows))
    elif kind == "csv":
        path.write_text('question,answer,unused\r\n"q, ü",x,1\r\n\r\n"q""2\n",,2\r\n', newline="")
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    dataset = Dataset(file=path.name, columns=("question", "answer"))
    table = _load(dataset, base=tmp_path)
    expected = [{"question": row["question"], "answer": row["answer"]} for row in rows]
    assert table.rows == expected
    assert (table.source, table.name, table.configs, table.hashes) == ("file", path.name, (), {})
    assert table.sha256 == content_hash(expected)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"question": 1}\n{"question": \n', r"a\.jsonl, line 2: not JSON"),
        ("a.jsonl", '{"question": 1}\n\n[1]\n', r"a\.jsonl, line 3: .* not a list"),
        ("a.jsonl", "\n", "has no rows"),
        ("a.jsonl", '{"Question": 1}\n', "no column 'question'.*did you mean 'Question'"),
        ("a.json", '[{"question": 1},\n}', r"a\.json, line 2: not JSON"),
        ("a.json", '{"question": 1}', "JSON list of objects"),
        ("a.csv", "question,answer\nx\n", r"a\.csv, line 2: 1 values under 2 columns"),
        ("a.csv", 'question\n"x\n', r"a\.csv, line 2: not CSV"),
        ("a.csv", "", "has no rows"),
        ("a.txt", "x", r"end in \.jsonl"),
        ("b.jsonl", None, r"b\.jsonl is missing: check `dataset\.file`"),
    ],
)
def test_broken_files(name: str, text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=message):
        _load(Dataset(file=name, columns=("question",)), base=tmp_path)


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes('{"question": "ü"}'.encode("latin-1"))
    with pytest.raises(UserError, match=r"not UTF-8 text \(byte 14\)"):
        _load(Dataset(file="a.jsonl", columns=("question",)), base=tmp_path)


def test_a_column_that_some_rows_lack_is_null_there(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"q": 1, "hint": "h"}\n{"q": 2}\n')
    table = _load(Dataset(file="a.jsonl", columns=("q", "hint")), base=tmp_path)
    assert table.rows == [{"q": 1, "hint": "h"}, {"q": 2, "hint": None}]


def test_the_split_may_stand_in_the_files_name(tmp_path: Path) -> None:
    for split in ("test", "train"):
        (tmp_path / f"{split}.jsonl").write_text(json.dumps({"q": split}))
    dataset = Dataset(file="{split}.jsonl", columns=("q",))
    assert _load(dataset, base=tmp_path).rows == [{"q": "test"}]
    assert _load(dataset, base=tmp_path, split="train").rows == [{"q": "train"}]
    with pytest.raises(UserError, match="few-shot examples"):
        _load(Dataset(file="test.jsonl", columns=("q",)), base=tmp_path, split="train")


FUNCTIONS = """
def questions(n=2, split="test"):
    return [{"q": i, "split": split} for i in range(n)]
def plain():
    return [{"q": 1}]
def text():
    return "abc"
def numbers():
    return [{"q": 1}, {2: 1}]
constant = 3
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "quiz_functions_of_a_test.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    return "quiz_functions_of_a_test"


def test_python_functions(functions: str) -> None:
    dataset = Dataset(python=f"{functions}:questions", arguments={"n": 3}, columns=("q", "split"))
    table = _load(dataset)
    assert table.rows == [{"q": i, "split": "test"} for i in range(3)]
    assert (table.source, table.name) == ("python", f"{functions}:questions")
    assert _load(dataset, split="train").rows[0]["split"] == "train"


@pytest.mark.parametrize(
    ("reference", "arguments", "message"),
    [
        ("{}", {}, "has to read `module:function`"),
        ("{}:no", {}, "has no function 'no'"),
        ("{}:constant", {}, "has no function 'constant'"),
        ("{}_missing:questions", {}, "No module named"),
        ("{}:questions", {"m": 1}, "unexpected keyword argument 'm'.*it takes n, split"),
        ("{}:text", {}, "returned str"),
        ("{}:numbers", {}, "item 1 is not a dict"),
    ],
)
def test_broken_python(functions: str, reference: str, arguments: dict[str, Any], message: str) -> None:
    dataset = Dataset(python=reference.format(functions), arguments=arguments, columns=("q",))
    with pytest.raises(UserError, match=message):
        _load(dataset)


def test_a_function_without_split_has_no_examples(functions: str) -> None:
    with pytest.raises(UserError, match="takes no `split`"):
        _load(Dataset(python=f"{functions}:plain", columns=("q",)), split="train")
