"""One content has one hash, wherever it was read from."""

from __future__ import annotations

import datetime
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lsm_eval.data import content_hash
from lsm_eval.data.canonical import combined_hash
from lsm_eval.data.local import read_file
from lsm_eval.data.parquet import read_parquet, rows_of


def test_hash_is_that_of_the_documented_json_lines() -> None:
    rows = [
        {"b": "Zürich\u2028\n", "a": 1, "f": 1.0, "n": None, "l": [True, {"y": None, "x": 1e-7}]},
        {"b": '"', "a": -2, "f": 1e16, "n": None, "l": []},
    ]
    text = (
        '{"a":1,"b":"Zürich\u2028\\n","f":1.0,"l":[true,{"x":1e-07}],"n":null}\n'
        '{"a":-2,"b":"\\"","f":1e+16,"l":[],"n":null}\n'
    )
    assert content_hash(rows) == hashlib.sha256(text.encode()).hexdigest()


def test_order_of_keys_does_not_count_and_order_of_rows_does() -> None:
    first, second = {"a": 1, "b": 2}, {"a": 3, "b": 4}
    assert content_hash([first, second]) == content_hash([{"b": 2, "a": 1}, second])
    assert content_hash([first, second]) != content_hash([second, first])
    assert content_hash([{"a": 1}]) != content_hash([{"a": 1.0}]) != content_hash([{"a": "1"}])
    assert content_hash([{"a": "x"}, {"a": "y"}]) != content_hash([{"a": "x\ny"}])


def test_nulls_of_structs_do_not_count_and_null_columns_do() -> None:
    assert content_hash([{"kwargs": [{"n": 3, "m": None}]}]) == content_hash([{"kwargs": [{"n": 3}]}])
    assert content_hash([{"a": 1, "b": None}]) != content_hash([{"a": 1}])
    assert content_hash([{"a": [None]}]) != content_hash([{"a": []}])


def test_dates_decimals_and_half_surrogates_have_a_form_and_bytes_none() -> None:
    day = datetime.date(2024, 2, 29)
    assert content_hash([{"a": day, "d": Decimal("1.50")}]) == content_hash(
        [{"a": "2024-02-29", "d": "1.50"}]
    )
    assert len(content_hash([{"a": "\ud83d"}])) == 64
    with pytest.raises(TypeError, match="bytes"):
        content_hash([{"a": b"x"}])


def test_several_configs_hash_to_their_lines() -> None:
    assert combined_hash({"en": "aa"}) == "aa"
    assert combined_hash({"en": "aa", "de": "bb"}) == hashlib.sha256(b"en aa\nde bb\n").hexdigest()


def _table() -> pa.Table:
    return pa.table(
        {
            "text": pa.array(["a", None, "ü"], pa.large_string()),
            "label": pa.array([0, 1, 1], pa.int8()),
            "choices": [{"text": ["x", "y"], "label": [1, 0]}] * 3,
            "turns": [[{"who": "u", "said": None}], [], [{"who": None, "said": "hi"}]],
            "score": [0.1, float("inf"), 3.0],
        }
    )


def test_parquet_jsonl_and_datasets_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    path = tmp_path / "x.parquet"
    pq.write_table(_table(), path)
    rows = rows_of(read_parquet(path))
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps(row) for row in rows))

    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["no", "yes"]),
            "choices": datasets.Sequence(
                {"text": datasets.Value("string"), "label": datasets.Value("int64")}
            ),
            "turns": [{"who": datasets.Value("string"), "said": datasets.Value("string")}],
            "score": datasets.Value("float64"),
        }
    )
    hub = datasets.Dataset.from_list(rows, features=features)
    expected = content_hash(rows)
    assert content_hash(read_file(tmp_path / "x.jsonl")) == expected
    assert content_hash(hub.to_list()) == expected
    assert content_hash(rows_of(hub.with_format("arrow")[:])) == expected


@pytest.mark.skipif(not hasattr(pa, "json_"), reason="this pyarrow has no JSON type")
def test_json_columns_are_parsed_before_hashing(tmp_path: Path) -> None:
    values: list[Any] = [{"n": 3}, {"m": "x"}]
    storage = pa.array([[json.dumps(value)] for value in values], pa.list_(pa.string()))
    table = pa.table({"kwargs": storage.cast(pa.list_(pa.json_()))})
    pq.write_table(table, tmp_path / "x.parquet")
    rows = rows_of(read_parquet(tmp_path / "x.parquet"))
    assert rows == [{"kwargs": [value]} for value in values]
    null_filled: list[dict[str, Any]] = [
        {"kwargs": [{"n": 3, "m": None}]},
        {"kwargs": [{"n": None, "m": "x"}]},
    ]
    assert content_hash(rows) == content_hash(null_filled)


@pytest.mark.parametrize(
    "name",
    [
        "allenai/ai2_arc/ARC-Challenge/test",
        "google/IFEval/default/train",
        "McGill-NLP/stereoset/intersentence/validation",
        "truthfulqa/truthful_qa/multiple_choice/validation",
    ],
)
def test_real_sets_hash_alike_through_datasets(
    name: str, hub_mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    path = hub_mirror / f"{name}.parquet"
    through = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path))
    assert content_hash(through.to_list()) == content_hash(rows_of(read_parquet(path)))
