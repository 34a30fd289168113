"""`lsm-eval records`: listed, shown, looked into and removed, and never anything but records."""

from __future__ import annotations

import errno
import io
import json
import shutil
from pathlib import Path

import pytest
from command_line import Outcome, Runner, call


@pytest.fixture(autouse=True)
def _no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def made(run: Runner) -> list[Path]:
    """Two records of two models, the older one first."""
    return [run("--store", "none", model=f"builtin:{name}").record for name in ("first", "uniform")]


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_list(run: Runner, made: list[Path]) -> None:
    done = call("records", "list", run.out)
    assert done.code == 0, done.err
    header, _, *lines = done.out.splitlines()
    assert header.split() == ["record", "made", "(UTC)", "tasks", "n", "size", "model"]
    assert [line.split()[0] for line in lines] == [str(path) for path in reversed(made)], "the newest first"
    assert lines[0].endswith("builtin:uniform")
    assert lines[0].split()[3:5] == ["1", "24"]
    rows = json.loads(call("records", "list", run.out, "--json").out)
    assert [row["record"] for row in rows] == [str(path) for path in reversed(made)]
    sizes = [
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in reversed(made)
    ]
    assert [row["bytes"] for row in rows] == sizes
    assert {row["kind"] for row in rows} == {"run"}


def test_the_list_names_broken_ones(run: Runner, made: list[Path]) -> None:
    (made[1] / "manifest.json").write_text("{")
    done = call("records", "list", run.out)
    assert done.code == 0
    last = done.out.splitlines()[-1]
    assert last.startswith(str(made[1]))
    assert "broken: " in last
    assert "manifest.json is broken" in last
    rows = json.loads(call("records", "list", run.out, "--json").out)
    assert [row["broken"] is None for row in rows] == [True, False]
    assert rows[0].keys() == rows[1].keys()


def test_an_empty_list(tmp_path: Path) -> None:
    done = call("records", "list", tmp_path)
    assert (done.code, done.out) == (0, "")
    assert "holds no record" in done.err
    assert json.loads(call("records", "list", tmp_path, "--json").out) == []
    assert "is no folder" in call("records", "list", tmp_path / "none").sentence()


def test_one_is_shown(made: list[Path]) -> None:
    done = call("records", "show", made[0])
    assert done.code == 0, done.err
    assert "model: builtin:first\n" in done.out
    assert f"record: {made[0]}\n" in done.out
    assert "command: lsm-eval run --tasks choose" in done.out
    assert "\nchoose  acc " in done.out
    found = json.loads(call("records", "show", made[0].parent, "--json").out)
    assert found["estimates"] == json.loads((made[0] / "estimates.json").read_text())


def samples(record: Path, *more: str) -> Outcome:
    return call("records", "samples", record, "choose", *more)


def test_wrong_samples(made: list[Path]) -> None:
    """builtin:first takes the first choice, which is right where the answer's index is 0."""
    found = json.loads(samples(made[0], "--wrong", "--limit", "100", "--json").out)
    assert found["metric"] == "acc"
    assert found["matched"] == len(found["samples"]) == 12
    assert {tuple(row["target"]) for row in found["samples"]} == {("1",)}
    shown = samples(made[0], "--wrong", "--limit", "2")
    assert shown.out.count("--- sample ") == 2
    assert "right:   log 1" in shown.out
    assert "2 of 12 such samples shown" in shown.err
    assert samples(made[0]).out.count("--- sample ") == 10


def test_missing_and_truncated_samples(run: Runner) -> None:
    record = run("--store", "none", tasks="say").record
    found = json.loads(
        call("records", "samples", record, "say", "--truncated", "--limit", "99", "--json").out
    )
    assert found["matched"] == sum(row["finish"] == "length" for row in found["samples"])
    whole = json.loads(call("records", "samples", record, "say", "--limit", "99", "--json").out)
    cut = [row for row in whole["samples"] if row["finish"] == "length"]
    assert found["matched"] == len(cut)
    assert all("truncated" in row["is"] for row in cut)
    missing = json.loads(call("records", "samples", record, "say", "--missing", "--json").out)
    assert missing["matched"] == sum(row["failure"] is not None for row in whole["samples"])


def test_what_a_model_said_moves_no_cursor(made: list[Path]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = made[0] / "samples" / "choose.parquet"
    table = pq.read_table(path)
    sly = pa.array(["\x1b[2J\r\n##[error]x " + "y" * 9000] * table.num_rows)
    pq.write_table(table.set_column(table.schema.get_field_index("prompt"), "prompt", sly), path)
    shown = samples(made[0]).out
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert "##[error]" not in shown
    assert " … 7," in shown, "what is left out is marked"


def test_samples_of_nothing(made: list[Path]) -> None:
    assert "did you mean 'choose'?" in call("records", "samples", made[0], "chose").sentence()
    assert "no score of that name" in samples(made[0], "--metric", "f1").sentence()
    (made[0] / "samples" / "choose.parquet").unlink()
    assert "is missing" in samples(made[0]).sentence()


def test_texts_of_a_sensitive_task_are_withheld(made: list[Path]) -> None:
    path = made[0] / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tasks"][0]["sensitive"] = True
    path.write_text(json.dumps(manifest))
    assert "[withheld sha256:" in samples(made[0]).out
    assert "of the cat" not in samples(made[0]).out + samples(made[0], "--json").out
    assert "of the cat" in samples(made[0], "--reveal").out
    assert "--reveal is for the terminal" in samples(made[0], "--reveal", "--json").sentence()


def test_one_is_removed_when_the_user_says_so(made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("n\n", "\n", "yess\n"):
        answer(monkeypatch, text)
        assert call("records", "remove", made[0]).code == 2
        assert made[0].is_dir()
    answer(monkeypatch, "")
    done = call("records", "remove", made[0])
    assert "--yes removes without asking" in done.err.splitlines()[-1]
    answer(monkeypatch, "y\n")
    done = call("records", "remove", made[0])
    assert (done.code, done.out) == (0, f"removed {made[0]}\n")
    assert not made[0].exists()
    assert not list(made[0].parent.iterdir())
    assert made[1].is_dir()
    assert call("records", "remove", "--yes", made[1]).code == 0
    assert not made[1].exists()


def test_a_broken_one_can_be_removed(made: list[Path]) -> None:
    (made[0] / "manifest.json").write_text("{")
    assert call("records", "remove", "--yes", made[0]).code == 0
    assert not made[0].exists()


def refused(*folders: Path) -> str:
    sentence = call("records", "remove", "--yes", *folders).sentence()
    assert "nothing was removed" in sentence
    return sentence


def test_nothing_but_a_record_is_removed(run: Runner, made: list[Path], tmp_path: Path) -> None:
    assert "is no record" in refused(run.out)
    assert "is no record" in refused(made[0].parent)
    assert "is no folder" in refused(tmp_path / "none")
    assert "is no folder" in refused(made[0] / "manifest.json")
    other = tmp_path / "other"
    other.mkdir()
    (other / "manifest.json").write_text('{"schema_version": 3, "name": "an add-on"}')
    assert "is no record" in refused(other)
    (made[0] / "notes.txt").write_text("mine")
    assert "holds notes.txt" in refused(made[1], made[0])
    assert made[1].is_dir(), "all or none"
    (made[0] / "notes.txt").unlink()
    (made[0] / "samples" / "mine.txt").write_text("mine")
    assert "holds samples/mine.txt" in refused(made[0])


def test_no_link_is_followed(run: Runner, made: list[Path], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(made[0].parent, elsewhere)
    made[0].parent.symlink_to(elsewhere)
    assert "symbolic link" in refused(made[0])
    link = run.out / "link"
    link.symlink_to(elsewhere / made[0].name)
    assert "symbolic link" in refused(link)
    assert (elsewhere / made[0].name / "manifest.json").is_file()
    samples_elsewhere = tmp_path / "tables"
    shutil.move(made[1] / "samples", samples_elsewhere)
    (made[1] / "samples").symlink_to(samples_elsewhere)
    assert "holds samples" in refused(made[1])
    # A table that is a link goes; what it leads to stays.
    (made[1] / "samples").unlink()
    (made[1] / "samples").mkdir()
    (made[1] / "samples" / "choose.parquet").symlink_to(samples_elsewhere / "choose.parquet")
    assert call("records", "remove", "--yes", made[1]).code == 0
    assert (samples_elsewhere / "choose.parquet").is_file()


def test_a_folder_above_may_be_a_link(run: Runner, made: list[Path], tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.symlink_to(run.out)
    path = above / made[0].relative_to(run.out)
    assert call("records", "remove", "--yes", path).code == 0
    assert not made[0].exists()


def test_what_leads_to_it_is_named(run: Runner, made: list[Path], tmp_path: Path) -> None:
    links = [run.out / "newest", made[0].parent / "accepted", run.out / "tables"]
    for link, goal in zip(links, [made[0], made[0], made[0] / "samples"], strict=True):
        link.symlink_to(goal)
    (run.out / "other").symlink_to(made[1])
    above = tmp_path / "above"
    above.symlink_to(run.out)
    done = call("records", "remove", "--yes", above / made[0].relative_to(run.out))
    assert done.code == 0, done.err
    assert (
        f"{above / made[0].relative_to(run.out)}, which is {made[0].resolve()},  " in done.err.splitlines()[0]
    )
    named = [line for line in done.err.splitlines() if "will lead nowhere" in line]
    assert sorted(line.partition("the link ")[2].partition(" leads")[0] for line in named) == sorted(
        map(str, links)
    )
    assert all(link.is_symlink() and not link.exists() for link in links)
    assert (run.out / "other").exists()


def test_a_folder_that_cannot_be_written_to(made: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "rename", refuse)
    sentence = call("records", "remove", "--yes", made[0]).sentence()
    assert "cannot be removed (Permission denied)" in sentence
    assert (made[0] / "manifest.json").is_file()


def test_both_names_count_again(made: list[Path]) -> None:
    assert call("records", "check", made[0]).out == call("record", "check", made[0]).out
    assert "  record " not in call("--help").out
    assert "  records " in call("--help").out
