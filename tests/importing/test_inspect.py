"""Logs that Inspect 0.3.285 wrote, imported: zip files and JSON, epochs, failures and hostile ones."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from command_line import call

from lsm_eval.errors import UserError
from lsm_eval.importing.importing import Imported, import_file
from lsm_eval.recount.check import check_record
from lsm_eval.results.reader import read_record

FILES = Path(__file__).parent / "files" / "inspect"


def log(task: str, kind: str) -> Path:
    return next(FILES.glob(f"*_{task}_*.{kind}"))


def load(task: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(log(task, "json").read_text())
    return found


def table(made: Imported) -> list[dict[str, Any]]:
    record = read_record(made.record)
    found: list[dict[str, Any]] = record.samples(made.manifest.tasks[0].task).to_pylist()
    return found


@pytest.mark.parametrize("kind", ["eval", "json"])
def test_scores_and_values(tmp_path: Path, kind: str) -> None:
    made = import_file(log("colours", kind), tmp_path)
    results = {score["name"]: score["metrics"] for score in load("colours")["results"]["scores"]}
    rows = {row.metric: row for row in made.estimates}
    assert list(rows) == ["match/accuracy", "partly/accuracy", "length/mean", "vowels/mean"]
    for name, row in rows.items():
        score, _, metric = name.partition("/")
        assert row.value == results[score][metric]["value"]
        assert row.imported is not None
        assert row.imported["value"] == row.value
        assert not row.imported["differs"]
        if "stderr" in results[score]:
            assert row.imported["stderr"] == results[score]["stderr"]["value"]
    assert [row.method for row in rows.values()] == [
        "wilson",
        "wilson(effective)",
        "none (only 5 samples of numbers without a range)",
        "none (only 5 samples of numbers without a range)",
    ]
    assert [row.unit for row in rows.values()] == ["fraction", "fraction", "other", "other"]
    samples = {row["sample"]: row for row in table(made)}
    assert [samples[name]["score.partly/accuracy"] for name in ("sky", "grass", "coal", "empty", "5")] == [
        1.0, 0.5, 0.0, 0.0, 1.0,
    ]  # fmt: skip
    assert samples["grass"]["completion"] == "it is green"
    assert samples["grass"]["target"] == ["green"]
    told = json.loads(samples["grass"]["metadata"])
    assert told["kind"] == "nature"
    assert told["scores"]["partly"] == {"value": "P", "answer": "it is green"}
    assert samples["empty"]["score.length/mean"] == 0.0
    assert check_record(made.record).problems == ()


@pytest.mark.parametrize("kind", ["eval", "json"])
def test_epochs_are_draws_of_one_cluster(tmp_path: Path, kind: str) -> None:
    done = call("import", log("colours-epochs", kind), "--out", tmp_path)
    assert done.code == 0
    assert "colours_epochs: missing because 2 error." in done.err
    record = read_record(done.record)
    row = record.estimates[0]
    assert (row.n, row.missing, row.clusters) == (6, 2, 3)
    assert (
        row.value == load("colours-epochs")["results"]["scores"][0]["metrics"]["accuracy"]["value"] == 2 / 3
    )
    assert row.method == "none (only 3 clusters)"
    rows = record.samples("colours_epochs").to_pylist()
    assert {row["cluster"] for row in rows} == {"sky", "grass", "coal", "empty"}
    failed = [row for row in rows if row["failure"]]
    assert [row["failure"] for row in failed] == ["error", "error"]
    assert all("the answer was lost" in row["failure_detail"] for row in failed)
    assert all(row["completion"] is None and row["score.includes/accuracy"] is None for row in failed)
    assert record.tasks["colours_epochs"].failures == {"error": 2}
    assert check_record(done.record).problems == ()


def test_zip_and_json_say_the_same(tmp_path: Path) -> None:
    for task in ("colours", "colours-epochs"):
        one, other = (import_file(log(task, kind), tmp_path) for kind in ("eval", "json"))
        assert one.estimates == other.estimates
        assert one.manifest.model.fingerprint == other.manifest.model.fingerprint


def test_how_it_was_asked(tmp_path: Path) -> None:
    made = import_file(log("colours", "eval"), tmp_path)
    manifest, task = made.manifest, made.manifest.tasks[0]
    assert (task.shots, task.chat, manifest.seed, task.samples) == (None, None, None, 5)
    assert manifest.model.name == "mockllm/nobody/tiny"
    assert manifest.imported is not None
    assert manifest.imported.lacking[:3] == ["shots", "the chat template", "the model's files"]
    assert " imported:inspect/0.3.285 " in made.estimates[0].signature
    assert " shots:? chat:? " in made.estimates[0].signature.replace("own_version:0 ", "")
    done = call("leaderboard", made.record, "--out", tmp_path / "site")
    assert done.code == 0, done.err


def written(tmp_path: Path, change: Any, task: str = "colours") -> Path:
    content = load(task)
    change(content)
    path = tmp_path / "log.json"
    path.write_text(json.dumps(content))
    return path


def test_without_samples_or_results(tmp_path: Path) -> None:
    made = import_file(written(tmp_path, lambda c: c.pop("samples")), tmp_path / "a")
    assert made.manifest.tasks[0].no_samples == "the log has none (log_samples was off)"
    assert {row.method for row in made.estimates} == {"none (as imported)"}
    assert made.estimates[0].stderr == made.estimates[0].imported["stderr"] > 0  # type: ignore[index]
    assert check_record(made.record).whole

    def failed(content: dict[str, Any]) -> None:
        content.pop("results")
        content.update(status="error")

    made = import_file(written(tmp_path, failed), tmp_path / "b")
    assert "values over all samples" in made.manifest.imported.lacking  # type: ignore[union-attr]
    assert "a whole run: its status is 'error'" in made.manifest.imported.lacking  # type: ignore[union-attr]
    assert {row.metric: row.value for row in made.estimates}["match/mean"] == 0.6
    assert check_record(made.record).problems == ()


def test_a_score_that_is_none_is_missing(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["samples"][0]["scores"]["match"]["value"] = float("nan")
        content["samples"][1]["scores"]["match"]["value"] = "perhaps"

    made = import_file(written(tmp_path, change), tmp_path / "out")
    row = made.estimates[0]
    assert (row.n, row.missing) == (3, 2)
    assert row.value == pytest.approx(2 / 3)
    assert row.imported is not None
    assert (row.imported["value"], row.imported["differs"]) == (0.6, True)
    assert check_record(made.record).problems == ()


def test_attachments_are_put_in(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["samples"][0].update(input="attachment://abc", attachments={"abc": "a long text"})

    assert table(import_file(written(tmp_path, change), tmp_path / "out"))[0]["prompt"] == "a long text"


def header() -> bytes:
    content = load("colours")
    content.pop("samples")
    return json.dumps(content).encode()


def zipped(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def zstandard(path: Path, name: str, content: bytes, *, told: int | None = None) -> Path:
    """A zip file of one member packed as Inspect packs it, which may say another size than it has."""
    packed = pa.Codec("zstd").compress(content, asbytes=True)
    size = len(content) if told is None else told
    common = struct.pack("<5H3L2H", 63, 0, 93, 0, 33, zlib.crc32(content), len(packed), size, len(name), 0)
    entry = (
        b"PK\x01\x02" + struct.pack("<H", 63) + common + struct.pack("<3H2L", 0, 0, 0, 0, 0) + name.encode()
    )
    body = b"PK\x03\x04" + common + name.encode() + packed
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(body), 0)
    path.write_bytes(body + entry + end)
    return path


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(
        tmp_path / "a.eval", {"header.json": header(), "samples/x.json": b'"' + b"a" * 30_000_000 + b'"'}
    )
    monkeypatch.setattr("lsm_eval.importing.read.MOST_TIMES", 500)
    said = "samples/x.json in it unpacks to more than such a file should"
    assert said in call("import", path, "--out", tmp_path / "out").sentence()
    for told in (None, 10):
        bomb = zstandard(tmp_path / "b.eval", "header.json", b"a" * 30_000_000, told=told)
        assert "unpacks to more" in call("import", bomb, "--out", tmp_path / "out").sentence()
    monkeypatch.setattr("lsm_eval.importing.read.MOST_BYTES", 10_000)
    many = zipped(
        tmp_path / "c.eval",
        {"header.json": header(), **{f"samples/{n}.json": b"{}" + b" " * 9000 for n in range(9)}},
    )
    assert "unpacks to more" in call("import", many, "--out", tmp_path / "out").sentence()


def test_nothing_is_extracted(tmp_path: Path) -> None:
    sample = json.dumps(load("colours")["samples"][0]).encode()
    members = {
        "header.json": header(),
        "../../escaped.json": b"{}",
        "samples/../../../x.json": sample,
        "/etc/x": b"",
    }
    made = import_file(zipped(tmp_path / "a.eval", members), tmp_path / "out")
    assert len(table(made)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.eval", "out"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "it has no header.json"),
        ({"_journal/start.json": b"{}"}, "its run did not end"),
        ({"header.json": b"[]"}, "header.json is a list, and should be an object"),
        ({"header.json": b"{}"}, "its header.json is no log of Inspect's"),
        ({"header.json": b"[" * 200_000}, "header.json is nested too deep"),
        ({"header.json": b"{not json"}, "header.json is no JSON"),
        ({"header.json": header(), "samples/1.json": b"[]"}, "should be an object"),
        ({"header.json": header(), "samples/1.json": b"{}"}, "sample 0 has no id"),
    ],
)
def test_wrong_members_are_one_sentence(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    with pytest.raises(UserError, match=said):
        import_file(zipped(tmp_path / "a.eval", members), tmp_path / "out")


def test_broken_zip_files_are_one_sentence(tmp_path: Path) -> None:
    whole = log("colours", "eval").read_bytes()
    path = tmp_path / "a.eval"
    for content, said in (
        (b"", "no whole zip file"),
        (whole[: len(whole) // 2], "no whole zip file"),
        (b"x" * 3000 + whole[3000:], "is broken"),
    ):
        path.write_bytes(content)
        assert said in call("import", path, "--out", tmp_path / "out").sentence()
    bad = zstandard(path, "header.json", b"{}")
    changed = bytearray(bad.read_bytes())
    changed[14] ^= 255  # the local header's checksum; that of the directory counts
    bad.write_bytes(bytes(changed).replace(struct.pack("<L", zlib.crc32(b"{}")), b"\0\0\0\0"))
    assert "its checksum is another" in call("import", bad, "--out", tmp_path / "out").sentence()


def test_a_sample_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, lambda c: c["samples"].append(c["samples"][0]))
    assert "has the sample '5' of colours twice" in call("import", path, "--out", tmp_path / "out").sentence()


def test_scores_too_large_to_square_have_no_interval(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["samples"][0]["scores"]["match"]["value"] = 1e308
        content["samples"] += [{**one, "id": f"{one['id']} again"} for one in content["samples"]]

    made = import_file(written(tmp_path, change), tmp_path / "out")
    assert (made.estimates[0].low, made.estimates[0].stderr, made.estimates[0].method) == (
        None,
        None,
        "none (infinite)",
    )
    assert check_record(made.record).problems == ()
