"""Every Eval Ever: valid by its own code where that is installed, and the same numbers when read back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from command_line import call
from exported_records import LEVELS, closed_by_licence, valid_by_its_own_code

from lsm_eval.importing.importing import import_file
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import read_record

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def export(record: Path, out: Path, *more: str) -> list[Path]:
    done = call("export", record, "--format", "every-eval-ever", "--out", out, *more)
    assert done.code == 0, done.err
    return [Path(line) for line in done.out.splitlines()]


def strict(path: Path) -> Any:
    """JSON without what JSON has not: NaN, infinities, a key twice."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in found}) == len(found)
        return dict(found)

    def refuse(value: str) -> None:
        raise AssertionError(value)

    return json.loads(path.read_text(), parse_constant=refuse, object_pairs_hook=pairs)


def test_same_numbers_when_read_back(record: Path, tmp_path: Path) -> None:
    own = read_record(record)
    paths = [path for path in export(record, tmp_path / "out") if path.suffix == ".json"]
    assert len(paths) == len(own.manifest.tasks)
    seen = 0
    for path in paths:
        made = import_file(path, tmp_path / "again")
        assert check_record(made.record).problems == ()
        back = read_record(made.record)
        task = made.manifest.tasks[0].task
        rows = {row.metric: row for row in own.estimates if row.task == task}
        assert {row.metric for row in back.estimates} == set(rows)
        for row in back.estimates:
            seen += 1
            first = rows[row.metric]
            assert row.value == first.value, "to the last digit"
            assert row.imported is not None
            assert row.imported["stderr"] == first.stderr
            assert row.n == first.n
            interval = row.imported.get("confidence_interval")
            assert (interval is None) == (first.low is None)
            if interval:
                assert (interval["lower"], interval["upper"]) == (first.low, first.high)
        ours = {row["sample"]: row for row in own.samples(task).to_pylist()}
        for row in back.samples(task).to_pylist():
            first_row = ours.pop(row["sample"])
            assert row["prompt"] == first_row["prompt"]
            assert row["target"] == first_row["target"]
            for metric in rows:
                assert row[f"score.{metric}"] == first_row[f"score.{metric}"]
        assert not ours
    assert seen == len(own.estimates)


def test_files_lie_where_the_data_store_wants_them(record: Path, tmp_path: Path) -> None:
    paths = export(
        record, tmp_path / "out", "--model-id", "nobody/tiny-llama", "--organisation", "Nobody Ltd"
    )
    for path in paths:
        place = PurePosixPath(path.relative_to(tmp_path / "out").as_posix())
        assert place.parts[0] == "data"
        assert place.parts[2:4] == ("nobody", "tiny-llama")
        assert len(place.parts) == 5
        if path.suffix == ".jsonl":
            continue
        content = strict(path)
        about = content["detailed_evaluation_results"]
        samples = path.with_name(f"{path.stem}_samples.jsonl")
        assert about["file_path"] == (place.parent / samples.name).as_posix()
        assert about["checksum"] == hashlib.sha256(samples.read_bytes()).hexdigest()
        assert about["total_rows"] == len(samples.read_text().splitlines())
        assert content["source_metadata"]["source_organization_name"] == "Nobody Ltd"
        assert content["model_info"]["id"] == "nobody/tiny-llama"
        ids = {result["evaluation_result_id"] for result in content["evaluation_results"]}
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        assert {row["evaluation_result_id"] for row in rows} == ids
        assert {row["evaluation_id"] for row in rows} == {content["evaluation_id"]}
        for row in rows:
            assert all(isinstance(value, str) for value in row["metadata"].values())
    again = export(
        record, tmp_path / "out", "--model-id", "nobody/tiny-llama", "--organisation", "Nobody Ltd"
    )
    assert again == paths, "the same numbers have the same names"


def test_missing_is_left_out(record: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = record / "samples" / "choose.parquet"
    table = pq.read_table(path)
    columns = table.to_pydict()
    columns["failure"][0], columns["score.acc"][0], columns["stats.acc"][0] = "too_long", None, None
    pq.write_table(pa.Table.from_pydict(columns, schema=table.schema), path)
    scores = columns["score.acc"][1:]
    manifest = json.loads((record / "manifest.json").read_text())
    manifest["tasks"][0]["failures"] = {"too_long": 1}
    (record / "manifest.json").write_text(json.dumps(manifest))
    rows = json.loads((record / "estimates.json").read_text())
    rows[0] |= {"value": sum(scores) / len(scores), "n": len(scores), "missing": 1, "low": 0.0, "high": 1.0}
    (record / "estimates.json").write_text(json.dumps(rows))
    paths = export(record, tmp_path / "out")
    content = strict(next(p for p in paths if "/choose/" in str(p) and p.suffix == ".json"))
    assert content["evaluation_results"][0]["score_details"]["details"]["missing"] == "1"
    assert content["evaluation_results"][0]["score_details"]["details"]["failed_too_long"] == "1"
    lines = next(p for p in paths if "/choose/" in str(p) and p.suffix == ".jsonl").read_text().splitlines()
    assert len(lines) == len(scores)
    assert columns["sample"][0] not in {json.loads(line)["sample_id"] for line in lines}


@pytest.mark.parametrize(("redact", "hidden"), LEVELS)
def test_redaction(record: Path, tmp_path: Path, redact: str, hidden: set[str]) -> None:
    closed_by_licence(record, "say")
    paths = export(record, tmp_path / "out", "--redact", redact)
    for task, text in {
        "harm": "unmentionable what",
        "say": "what is 1 and 1",
        "choose": "what is 1 and 1",
    }.items():
        written = "".join(path.read_text() for path in paths if f"/{task}/" in str(path))
        assert (text in written) == (task not in hidden), task
        assert ("withheld sha256:" in written) == (task in hidden), task


def test_what_is_withheld_in_the_record_stays_so(record: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from lsm_eval.results.redaction import redact
    from lsm_eval.results.writer import sample_table

    path = record / "samples" / "harm.parquet"
    columns = redact(pq.read_table(path).to_pydict())
    pq.write_table(sample_table(columns), path)
    manifest = json.loads((record / "manifest.json").read_text())
    manifest["redacted"] = True
    next(task for task in manifest["tasks"] if task["task"] == "harm")["redacted"] = True
    (record / "manifest.json").write_text(json.dumps(manifest))
    texts = [p.read_text() for p in export(record, tmp_path / "out", "--redact", "all") if "/harm/" in str(p)]
    assert all("unmentionable" not in text for text in texts)
    prompt = json.loads(texts[1].splitlines()[0])["input"]["raw"]
    assert prompt == columns["prompt"][0], "not hashed again"


def test_valid_by_its_own_code(record: Path, tmp_path: Path) -> None:
    paths = export(record, tmp_path / "out", "--model-id", "nobody/tiny")
    valid_by_its_own_code(paths, tmp_path / "out")
