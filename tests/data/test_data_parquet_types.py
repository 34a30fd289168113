"""Parquet files of many types: joined where they say the same, and refused by one sentence where Python cannot."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lsm_eval.data import DataOptions, load
from lsm_eval.data.local import read_file
from lsm_eval.data.schema import Dataset
from lsm_eval.errors import UserError

WORDS = ["oak", "elm"]


def _joined(mirror: Path, first: pa.Array, second: pa.Array) -> list[Any]:
    folder = mirror / "org" / "trees" / "default"
    folder.mkdir(parents=True)
    for split, values in (("test", first), ("dev", second)):
        pq.write_table(pa.table({"tree": values}), folder / f"{split}.parquet")
    dataset = Dataset(hub="org/trees", config="default", split="test+dev", columns=("tree",))
    table = load(dataset, base=mirror, options=DataOptions(mirror=mirror), pinned=None)
    return [row["tree"] for row in table.rows]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.array(WORDS), pa.array(WORDS, pa.large_string())),
        (pa.array(WORDS), pa.array(WORDS).dictionary_encode()),
        (pa.array(WORDS, pa.string_view()), pa.array(WORDS)),
        (pa.array([1, 2], pa.int32()), pa.array([1, 2])),
        (pa.array([1, 2], pa.int16()), pa.array([1, 2], pa.uint8())),
        (pa.array([["a"], []]), pa.array([["a"], []], pa.large_list(pa.large_string()))),
        (pa.array([["a"]]), pa.array([["a"]], pa.list_(pa.dictionary(pa.int32(), pa.string())))),
        (pa.array([{"n": 1}]), pa.array([{"n": 1}], pa.struct([("n", pa.int8())]))),
    ],
    ids=lambda array: str(array.type),
)
def test_splits_that_say_the_same_are_joined(first: pa.Array, second: pa.Array, tmp_path: Path) -> None:
    assert _joined(tmp_path, first, second) == first.to_pylist() * 2


def test_a_column_of_nulls_joins_any(tmp_path: Path) -> None:
    assert _joined(tmp_path, pa.array(WORDS), pa.nulls(1)) == [*WORDS, None]


def test_splits_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"org/trees \(test\+dev\): the parts cannot be joined.*string"):
        _joined(tmp_path, pa.array(WORDS), pa.array([1]))


READ: dict[str, tuple[Callable[[], pa.Array], list[Any]]] = {
    "decimal": (lambda: pa.array([Decimal("1.50")]), [Decimal("1.50")]),
    "map": (lambda: pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), [[("a", 1)]]),
    "dictionary": (lambda: pa.array(WORDS).dictionary_encode(), WORDS),
    "null": (lambda: pa.nulls(2), [None, None]),
}


@pytest.mark.parametrize("kind", READ)
def test_odd_types_are_read(kind: str, tmp_path: Path) -> None:
    make, values = READ[kind]
    pq.write_table(pa.table({"x": make()}), tmp_path / "a.parquet")
    assert [row["x"] for row in read_file(tmp_path / "a.parquet")] == values


BROKEN: dict[str, tuple[Callable[[], pa.Array], str]] = {
    "text that is none": (
        lambda: pa.Array.from_buffers(
            pa.string(), 1, [None, pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0])), pa.py_buffer(b"\xff\xfe")]
        ),
        r"'x' \(string\) cannot be read \('utf-8' codec",
    ),
    "a date that Python lacks": (lambda: pa.array([2**30], pa.date32()), r"'x' \(date32\[day\]\) cannot be read"),
    "a zone that is none": (lambda: pa.array([1], pa.timestamp("us", tz="Moon/Base")), r"cannot be read .*Moon/Base"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_values_that_python_cannot_hold(kind: str, tmp_path: Path) -> None:
    make, message = BROKEN[kind]
    pq.write_table(pa.table({"x": make()}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=message) as refused:
        read_file(tmp_path / "a.parquet")
    assert str(tmp_path / "a.parquet") in str(refused.value)


def test_a_column_that_stands_twice(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: the column 'x' stands twice"):
        read_file(tmp_path / "a.parquet")


def test_a_path_that_looks_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s3:bucket").mkdir()
    pq.write_table(pa.table({"x": [1]}), pa.OSFile(str(tmp_path / "s3:bucket" / "a.parquet"), "wb"))
    assert read_file(Path("s3:bucket/a.parquet")) == [{"x": 1}]
