"""Text files that are odd or broken: read whole, or refused by one sentence that names the line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lsm_eval.data.local import read_file
from lsm_eval.errors import UserError


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"\xef\xbb\xbfbird,song\r\nwren,trill\r\n", [{"bird": "wren", "song": "trill"}]),
        (b"bird,song\rwren,trill\rrook,caw\r", [{"bird": "wren", "song": "trill"}, {"bird": "rook", "song": "caw"}]),
        (b",bird,\n0,wren,x\n", [{"bird": "wren"}]),
        (b'bird\n"two\nlines"\n', [{"bird": "two\nlines"}]),
        (b"\n\r\nbird\nwren\n\n", [{"bird": "wren"}]),
        (b"bird\n" + b"w" * 300_000 + b"\n", [{"bird": "w" * 300_000}]),
    ],
    ids=["byte order mark", "carriage returns", "a column without a name", "a line break", "empty lines", "a long cell"],
)  # fmt: skip
def test_csv_is_read(content: bytes, rows: list[dict[str, str]], tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_bytes(content)
    before = csv.field_size_limit()
    assert read_file(tmp_path / "birds.csv") == rows
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"bird,bird\nwren,rook\n", r"line 1: the column 'bird' stands twice"),
        ("a.csv", b",,\n1,2,3\n", r"line 1: no column has a name"),
        ("a.csv", b"bird,song\nwren\n", r"line 2: 1 values under 2 columns"),
        ("a.csv", b"bird\nwr\0en\n", r"line 2: holds a NUL byte"),
        ("a.csv", "bird\nwren\n".encode("utf-16-le"), r"line 1: holds a NUL byte"),
        ("a.csv", "bird\nwren\nKrähe\n".encode("latin-1"), r"not UTF-8 text \(byte 12\) in line 3"),
        (
            "a.jsonl",
            b'{"bird": 1}\n{"bird": 1, "bird": 2}',
            r"line 2: the key 'bird' stands twice in one object",
        ),
        ("a.jsonl", b'{"in": {"bird": 1, "bird": 1}}', r"line 1: the key 'bird' stands twice"),
        (
            "a.jsonl",
            b'\n{"bird": ' + b"[" * 4000 + b"]" * 4000 + b"}",
            r"line 2: brackets are nested too deep",
        ),
        ("a.jsonl", b'{"bird": ' + b"7" * 6000 + b"}", r"line 1: a whole number has too many digits"),
        ("a.jsonl", b'{"bird": 7e777}', r"line 1: the number 7e777 is larger"),
        ("a.json", b"[" * 90_000, r"a\.json: brackets are nested too deep"),
        ("a.json", b'[{"bird": ' + b"7" * 6000 + b"}]", r"a\.json: a whole number has too many digits"),
        ("a.json", b'[{"bird": 1, "bird": 1}]', r"a\.json: the key 'bird' stands twice"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as refused:
        read_file(tmp_path / name)
    assert str(tmp_path / name) in str(refused.value)
    assert "\n" not in str(refused.value)
