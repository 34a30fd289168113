"""Broken records, links, and what other tools and killed builds leave: the site of all others is built."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from records import estimate, sample, write_record

from lsm_eval.errors import UserError
from lsm_eval.leaderboard.build import build
from lsm_eval.progress import Phase, Silent
from lsm_eval.results.reader import read_records


class Heard:
    """A progress that keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def phase(self, name: str, total: int | None = None) -> AbstractContextManager[Phase]:
        return Silent().phase(name, total)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Records of two models, `good` and `bad`."""
    root = tmp_path / "reports"
    for name in ("good", "bad"):
        rows = [sample("arc", index) for index in range(3)]
        write_record(root / name, f"m-{name}", [estimate("arc")], samples=rows)
    return root


def _edit(file: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def edit(record: Path) -> None:
        content = json.loads((record / file).read_text())
        (record / file).write_text(json.dumps(change(content)))

    return edit


def _column(name: str, values: pa.Array) -> Callable[[Path], None]:
    def edit(record: Path) -> None:
        path = record / "samples" / "arc.parquet"
        table = pq.read_table(path)
        pq.write_table(table.set_column(table.column_names.index(name), name, values), path)

    return edit


def _write(file: str, content: bytes) -> Callable[[Path], None]:
    return lambda record: (record / file).write_bytes(content) and None  # type: ignore[return-value]


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut manifest": _write("manifest.json", b'{"schema_version": 1, "ru'),
    "no estimates": lambda record: (record / "estimates.json").unlink(),
    "estimates of text": _edit("estimates.json", lambda rows: [{**rows[0], "value": "high"}]),
    "estimates of nothing": _edit("estimates.json", lambda rows: [None]),
    "a time before all": _edit("manifest.json", lambda m: {**m, "created": "0001-01-01T00:00:00+14:00"}),
    "hardware by hand": _edit("manifest.json", lambda m: {**m, "hardware": {"memory_bytes": "much"}}),
    "later version": _edit("manifest.json", lambda m: {**m, "schema_version": 99}),
    "damaged table": _write("samples/arc.parquet", b"PAR1 and no more"),
    "prompts of numbers": _column("prompt", pa.array([1, 2, 3])),
    "scores of text": _column("score.accuracy", pa.array(["a", "b", "c"])),
    "samples that are gone": _edit(
        "manifest.json", lambda m: {**m, "tasks": [{**m["tasks"][0], "samples": 9}]}
    ),
    "more than there are": _edit("estimates.json", lambda rows: [{**rows[0], "n": 9}]),
    "scores that are none": _column("score.accuracy", pa.array([1.0, float("nan"), 0.0])),
    "a table that is gone": lambda record: (record / "samples" / "arc.parquet").rename(
        record / "samples" / "x"
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_record_is_left_out_and_named(reports: Path, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](reports / "bad")
    heard = Heard()
    index = build(reports, tmp_path / "site", progress=heard).read_text()
    assert "m-good" in index
    if damage == "hardware by hand" and not heard.notes:
        return  # shown as it stands
    (note,) = heard.notes
    assert note.startswith(f"left out the record {reports / 'bad'}: ")
    assert "m-bad" not in index
    assert "Records left out" in index
    assert "<b>bad</b>" in index
    assert str(tmp_path) not in index, "readers have other folders"


def test_a_record_that_is_not_what_it_says_is_named_with_the_reason(reports: Path, tmp_path: Path) -> None:
    DAMAGE["more than there are"](reports / "bad")
    heard = Heard()
    index = build(reports, tmp_path / "site", progress=heard).read_text()
    said = "it is not what it says: arc, accuracy: 9 samples and 0 missing are more than the 3 of the table."
    assert said in heard.notes[0]
    assert said in index


def test_nothing_is_said_where_all_is_well(reports: Path, tmp_path: Path) -> None:
    heard = Heard()
    assert "left out" not in build(reports, tmp_path / "site", progress=heard).read_text()
    assert heard.notes == []


def test_only_broken_records(reports: Path, tmp_path: Path) -> None:
    DAMAGE["cut manifest"](reports / "good")
    DAMAGE["scores of text"](reports / "bad")
    with pytest.raises(
        UserError, match=r"none of the records .*; the first of 2: .*manifest\.json is broken"
    ):
        build(reports, tmp_path / "site")
    assert not (tmp_path / "site").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports"]


@pytest.mark.parametrize(
    "content",
    [b"", b'\xef\xbb\xbf{"name": "app"}', b"[1]", b"7", b"\x00\xff\xfe", b"[" * 50_000, b'{"schema_version": "2.0"}'],
    ids=["empty", "byte order mark", "list", "number", "bytes", "nested", "versioned"],
)  # fmt: skip
def test_manifests_of_other_tools_are_passed_over(reports: Path, content: bytes) -> None:
    (reports / "app").mkdir()
    (reports / "app" / "manifest.json").write_bytes(content)
    (reports / "manifest.json").write_bytes(content)
    assert [record.folder.name for record in read_records(reports)] == ["bad", "good"]


def test_a_record_with_a_byte_order_mark_is_read(reports: Path) -> None:
    path = reports / "bad" / "manifest.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_records(reports)) == 2


def test_links_are_followed_once(reports: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "m").symlink_to(reports / "good")
    (links / "again").symlink_to(reports / "good")
    (links / "round").symlink_to(links)
    (links / "nowhere").symlink_to(tmp_path / "missing")
    (links / "self").symlink_to(links / "self")
    assert len(read_records(links)) == 1
    assert "m-good" in build([links, reports], tmp_path / "site").read_text()


def test_what_a_killed_build_left(reports: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    index = build(reports, site).read_bytes()
    # Killed between taking the old site away and putting the new one in its place.
    left = tmp_path / ".site.building-999999999-x"
    left.mkdir()
    (left / ".lock").write_text("999999999 elsewhere\n")
    site.rename(left / "old")
    past = 1_600_000_000
    import os

    os.utime(left, (past, past))
    heard = Heard()
    assert build(reports, site, progress=heard).read_bytes() == index
    assert heard.notes == [f"removed {left}, which a build that was killed left unfinished."]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports", "site"]
