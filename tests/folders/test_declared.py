"""What a folder's `code.py` says that it has, read without running it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from lsm_eval.errors import UserError
from lsm_eval.folders.declared import declared
from lsm_eval.folders.entry import UNITS
from lsm_eval.metrics.base import Unit

ROW = '("Words", "how many", "other", None, "generate score")'


def read(folder: Path, text: str) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """Metrics (class, words) and functions of a file that must not be run."""
    file = folder / "code.py"
    file.write_text(f"raise SystemExit\n{text}", encoding="utf-8")
    found = declared(file)
    return {name: (made, entry.description) for name, (made, entry) in found.metrics.items()}, found.functions


@pytest.mark.parametrize(
    "text",
    [
        f'METRICS = {{"words": {ROW}}}\nFUNCTIONS = ("shout",)\n',
        f'METRICS: MetricRows = {{\n    "words": {ROW},\n}}  # fmt: skip\nFUNCTIONS = (\n    "shout",\n)\n',
        f'METRICS: dict[str, X] = {{  # a table\n    # of one\n    "words": {ROW},\n}}\n\nFUNCTIONS = ["shout"]\n',
        f'METRICS = {{"words":\n  {ROW}\n    }}\nFUNCTIONS = ("sh"\n    "out",)\n',
    ],
)
def test_tables_are_read_however_they_are_written(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == ({"words": ("Words", "how many")}, ("shout",))


def test_a_file_without_tables_declares_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "X = 3\ndef METRICS(): ...\n") == ({}, ())
    assert read(tmp_path, "FUNCTIONS = ()\n") == ({}, ())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("METRICS = dict(a=1)\n", "METRICS cannot be read without running the file"),
        ("METRICS = {\n", "METRICS cannot be read without running the file"),
        ("FUNCTIONS = tuple(x)\n", "FUNCTIONS cannot be read without running the file"),
        ('METRICS = ("a",)\n', "METRICS is to be a table"),
        ('FUNCTIONS = "shout"\n', "FUNCTIONS is to be a tuple"),
        ("FUNCTIONS = (1,)\n", "FUNCTIONS is to be a tuple"),
        ('METRICS = {"a": ("A", "b")}\n', "'a': a row has five parts"),
        (f'METRICS = {{1: {ROW}}}\n', "1: a row has five parts"),
        (f'METRICS = {{"a": {ROW.replace("Words", "a.b")}}}\n', "the class and the few words"),
        (f'METRICS = {{"a": {ROW.replace("other", "metres")}}}\n', "there is no unit 'metres'"),
        (f'METRICS = {{"a": {ROW.replace("None", "1")}}}\n', "whether higher is better"),
        (f'METRICS = {{"a": {ROW.replace("generate score", "sing")}}}\n', "the requests that it reads"),
        (f'METRICS = {{"a": {ROW.replace("generate score", "")}}}\n', "the requests that it reads"),
    ],
)  # fmt: skip
def test_what_a_table_may_not_be(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "code.py"))
    assert why in str(caught.value)


def test_units_are_those_of_metrics() -> None:
    assert get_args(Unit) == UNITS
