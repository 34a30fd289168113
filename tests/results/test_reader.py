"""The reader: whole records come back whole, and everything else is one sentence that names the file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lsm_eval.errors import UserError
from lsm_eval.results.reader import read_record, read_records

sys.path.insert(0, str(Path(__file__).parents[1] / "leaderboard"))
from records import estimate, sample, task, write_record, write_samples


@pytest.fixture
def record(tmp_path: Path) -> Path:
    rows = [sample("arc", index) for index in range(25)]
    return write_record(tmp_path / "reports" / "m" / "r", "m", [estimate("arc", value=0.25)], samples=rows)


def test_reads_what_was_written(record: Path) -> None:
    read = read_record(record)
    assert read.manifest.model.name == "m"
    assert read.manifest.seed == 7
    assert [(row.task, row.metric, row.value) for row in read.estimates] == [("arc", "accuracy", 0.25)]
    assert read.tasks["arc"].dataset.pinned
    assert read.created.isoformat() == "2025-01-02T03:04:05+00:00"


@pytest.mark.parametrize("odd", [r'"\ud800"', "[" * 300 + "]" * 300, "-Infinity"])
def test_what_is_odd_in_json_is_read_all_the_same(record: Path, odd: str) -> None:
    path = record / "manifest.json"
    text = path.read_text().replace('"name": "m"', f'"name": "m", "odd": {odd}')
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    model = read_record(record).manifest.model
    assert model.name == "m"
    assert (model.model_extra or {})["odd"] == json.loads(odd)


def test_sample_tables_are_read_when_asked_for(record: Path) -> None:
    read = read_record(record)
    assert read.has_samples("arc")
    assert not read.has_samples("other")
    assert read.sample_count("arc") == 25
    rows = read.sample_rows("arc", 10)
    assert [row["index"] for row in rows] == list(range(10))
    assert rows[3]["logprobs"] == [-1.25, -2.5]
    assert "score.accuracy" in rows[0]
    assert "stats.accuracy" not in rows[0]
    table = read.samples("arc", ["sample", "stats.accuracy"])
    assert table.num_rows == 25
    assert table.column_names == ["sample", "stats.accuracy"]


def test_records_stand_oldest_first_whatever_their_time_zone(tmp_path: Path) -> None:
    rows = [estimate("arc")]
    write_record(tmp_path / "a" / "late", "m", rows, created="2025-01-02T03:00:00Z")
    write_record(tmp_path / "b" / "early", "m", rows, created="2025-01-02T04:00:00+02:00")
    write_record(tmp_path / "c", "m", rows, created="2025-01-02T02:30:00")
    assert [record.manifest.run for record in read_records(tmp_path)] == ["early", "c", "late"]


def test_passes_over_what_is_no_record(record: Path) -> None:
    root = record.parents[1]
    (root / "site").mkdir()
    (root / "site" / "manifest.json").write_text('{"name": "a web app"}')
    (root / "list").mkdir()
    (root / "list" / "manifest.json").write_text("[1]")
    (root / ".half.tmp").mkdir()
    (root / ".half.tmp" / "manifest.json").write_text("{")
    assert len(read_records(root)) == 1


def test_empty_folder_has_no_records(tmp_path: Path) -> None:
    assert read_records(tmp_path) == []
    with pytest.raises(UserError, match="no folder"):
        read_records(tmp_path / "missing")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("manifest.json", "{", "broken"),
        ("manifest.json", '{"schema_version": 2}', "upgrade"),
        ("manifest.json", '{"schema_version": 1}', "broken"),
        ("manifest.json", '{"schema_version": "1"}', "not a record"),
        ("manifest.json", "[" * 100_000, "broken"),
        ("estimates.json", "[{]", "broken"),
        ("estimates.json", '[{"task": "arc"}]', "broken"),
        ("estimates.json", '{"not": "a list"}', "broken"),
        ("estimates.json", b"\xff\xfe\x00", "broken"),
    ],
)
def test_broken_files_are_named(record: Path, file: str, text: str | bytes, message: str) -> None:
    (record / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message) as error:
        read_records(record.parent)
    assert str(record / file) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_estimates_are_named(record: Path) -> None:
    (record / "estimates.json").unlink()
    with pytest.raises(UserError, match=r"estimates\.json is missing"):
        read_record(record)


def test_manifest_and_estimates_must_agree(tmp_path: Path) -> None:
    stray = write_record(tmp_path / "a", "m", [estimate("arc"), estimate("boolq")], tasks=[task("arc")])
    with pytest.raises(UserError, match="'boolq' is not in manifest"):
        read_record(stray)
    twice = write_record(tmp_path / "b", "m", [estimate("arc"), estimate("arc")])
    with pytest.raises(UserError, match="accuracy twice"):
        read_record(twice)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "arc\n", "ARC"])
def test_a_task_cannot_name_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    folder = write_record(tmp_path / "r", "m", [estimate(name)])
    with pytest.raises(UserError, match="no task's name"):
        read_record(folder)


def test_a_bad_time_is_named(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "r", "m", [estimate("arc")], created="yesterday")
    with pytest.raises(UserError, match="ISO 8601"):
        read_record(folder)


def test_broken_parquet_is_named(record: Path) -> None:
    path = record / "samples" / "arc.parquet"
    whole = path.read_bytes()
    read = read_record(record)
    for content in (b"", b"no parquet at all", whole[:-20]):
        path.write_bytes(content)
        with pytest.raises(UserError, match="broken") as error:
            read.sample_rows("arc", 5)
        assert str(path) in str(error.value)
    # The footer is whole and the data is not.
    path.write_bytes(whole[:4] + b"\xff" * 2000 + whole[2004:])
    with pytest.raises(UserError, match="broken"):
        read.samples("arc")
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        read.sample_count("arc")


def test_a_table_of_another_shape_is_named(record: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = record / "samples" / "arc.parquet"
    table = pq.read_table(path)
    read = read_record(record)
    pq.write_table(table.drop_columns(["prompt"]), path)
    with pytest.raises(UserError, match="'prompt' is missing"):
        read.samples("arc")
    place = table.column_names.index("logprobs")
    pq.write_table(table.set_column(place, "logprobs", pa.array(["x"] * 25)), path)
    with pytest.raises(UserError, match="'logprobs' is string, not list<double>"):
        read.samples("arc")


def test_unknown_fields_are_kept_and_json_is_utf8(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "r", "模型", [estimate("arc", extra="new")])
    text = (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(json.loads(text), ensure_ascii=False), encoding="utf-8")
    read = read_record(folder)
    assert read.manifest.model.name == "模型"
    assert (read.estimates[0].model_extra or {})["extra"] == "new"


def test_sample_rows_stop_at_the_limit(tmp_path: Path) -> None:
    folder = write_record(tmp_path / "r", "m", [estimate("arc")])
    write_samples(folder / "samples" / "arc.parquet", [sample("arc", index) for index in range(5)])
    read = read_record(folder)
    assert read.sample_rows("arc", 0) == []
    assert len(read.sample_rows("arc", 99)) == 5
