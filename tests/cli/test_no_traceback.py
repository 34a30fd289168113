"""Whatever goes wrong: one sentence, an exit code that means one thing, and the traceback in a log."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import QUESTIONS, SCORE, Runner, call, environment, spawn, write_task

from lsm_eval import aligned

SECRET = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345"


def _raise(error: BaseException) -> Any:
    def raising(*_: Any, **__: Any) -> None:
        raise error

    return raising


def test_an_internal_error_is_reported_with_a_log(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligned, "_width", _raise(KeyError(f"gone {SECRET}")))
    failed = call("list", "tasks", "--area", "accuracy")
    assert failed.code == 70
    (line,) = failed.err.splitlines()
    assert line.startswith("lsm-eval: an internal error (KeyError: ")
    (log,) = (own_cache / "logs").iterdir()
    assert str(log) in line
    text = log.read_text()
    assert "Traceback (most recent call last)" in text
    assert "command: lsm-eval list tasks --area accuracy" in text
    assert SECRET not in text


def test_debug_shows_the_traceback_too(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSM_EVAL_DEBUG", "1")
    monkeypatch.setattr(aligned, "_width", _raise(KeyError("gone")))
    failed = call("list", "tasks")
    assert failed.code == 70
    assert failed.err.startswith("Traceback (most recent call last)")


def test_a_log_finds_another_place(own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LSM_EVAL_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(aligned, "_width", _raise(KeyError("gone")))
    failed = call("list", "tasks")
    assert failed.code == 70
    (log,) = (tmp_path / "lsm-eval-logs").iterdir()
    assert str(log) in failed.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "there is not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), "nested too deep"),
        (OSError(errno.EIO, "Input/output error", "/disk/x"), "/disk/x: Input/output error; check"),
        (OSError(errno.ENOSPC, "No space left on device"), "no room on the disk: free some"),
        (ConnectionError("host unreachable\nmore"), "host unreachable: check names, rights and the network"),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_the_machine_refuses_is_a_sentence(
    error: BaseException, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligned, "_width", _raise(error))
    assert said in call("list", "tasks").sentence()


METRIC = """
class Strict:
    name, unit, higher_is_better, signature, proportion, mean = "strict", "fraction", True, "strict|v1", False, True

    def measure(self, sample, answer):
        return {"wren": 1}[sample.metadata["bird"]]

    def aggregate(self, sums):
        return sums[..., 0] / sums[..., 1]
"""
MODEL = """
class Half:
    from lsm_eval.models.base import ModelInfo
    info = ModelInfo(name="half:x", chat_template=False, context=None)
    fingerprint = lambda self: "f" * 64
    cost = lambda self, requests: []
    render = lambda self, request: request.context
    computed = lambda self: {}
    load = lambda self: None

    def answer(self, requests, known=()):
        raise LookupError("no wire")
        yield

def make(rest, options):
    return Half()
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    info = site / "odd_birds-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-birds\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[lsm_eval.metrics]\nstrict = odd_birds:Strict\n[lsm_eval.models]\nhalf = odd_birds:make\n"
    )
    (site / "odd_birds.py").write_text(METRIC + MODEL)
    monkeypatch.syspath_prepend(site)


@pytest.mark.usefixtures("plugin")
def test_a_metric_that_fails_names_the_sample(run: Runner, own_cache: Path, tmp_path: Path) -> None:
    task = {**SCORE, "metrics": ["strict"], "metadata": {"bird": "{{ question }}"}}
    defs = write_task(tmp_path / "defs", "birds", QUESTIONS, **task).parent
    failed = run("--store", "none", tasks="birds", model="builtin:first", include=defs)
    assert failed.code == 2
    line = failed.err.splitlines()[-1]
    assert "metric 'strict' on sample '0' failed (KeyError: " in line
    assert "odd_birds.py, line 6" in line
    assert "Traceback" not in failed.err
    assert list((own_cache / "logs").iterdir())


@pytest.mark.usefixtures("plugin")
def test_a_model_that_fails_names_its_package(run: Runner) -> None:
    line = run("--store", "none", model="half:x").err.splitlines()[-1]
    assert (
        "the model backend 'half' of the package odd-birds, in answer(), failed (LookupError: no wire" in line
    )


def _shell(command: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    lsm = f"{sys.executable} -m lsm_eval"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command.replace('LSM', lsm)}"],
        env=environment(**env),
        capture_output=True,
        check=False,
    )


def test_a_reader_that_has_gone_is_no_fault() -> None:
    done = _shell("LSM list tasks | head -1")
    assert (done.returncode, done.stderr) == (0, b"")


def test_streams_that_are_closed_or_full(run: Runner) -> None:
    arguments = " ".join(run.arguments("--store", "none", model="builtin:first"))
    assert _shell(f"LSM {arguments} <&- >&- 2>&-").returncode == 0
    assert len(list(run.out.glob("*/*/manifest.json"))) == 1
    full = _shell("LSM list tasks > /dev/full")
    assert full.returncode == 2
    assert full.stderr.decode().strip() == (
        "lsm-eval: the output cannot be written (No space left on device): send it to another place."
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_without_the_letters(run: Runner, tmp_path: Path, encoding: str) -> None:
    rows = [{"question": "鸟叫什么", "choices": ["鸫", "鸦"], "answer": 0}]
    defs = write_task(tmp_path / "defs", "niao", rows, title="鸟", **SCORE).parent
    shown = _shell(f"LSM show task niao --include {defs} --model builtin:first", PYTHONIOENCODING=encoding)
    assert (shown.returncode, shown.stderr) == (0, b"")
    out = tmp_path / "鸟"
    done = _shell(
        f"LSM run --tasks niao --include {defs} --model builtin:first --store none --out {out}",
        PYTHONIOENCODING=encoding,
    )
    assert done.returncode == 0, done.stderr
    assert list(out.glob("*/*/manifest.json"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seed", "-1"],
        ["--seed", str(2**64)],
        ["--out", ""],
        ["--out", "x" * 5000],
        ["--out", "/".join(["deep"] * 700)],
        ["--out", "a\0b"],
        ["--data-mirror", "x" * 5000],
        ["--data-files", ""],
        ["--include", "x" * 5000],
        ["--store", "x" * 5000],
        ["--batch-tokens", "9" * 5000],
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[1][:4]!r}",
)
def test_arguments_that_nothing_can_be_done_with(run: Runner, arguments: list[str]) -> None:
    done = run(*arguments, model="builtin:first")
    assert len(done.sentence()) < 2000


@pytest.mark.parametrize("model", ["", "./" + "m" * 5000, "m" * 5000, "hf:" + "m" * 5000])
def test_models_of_impossible_names(run: Runner, model: str) -> None:
    from lsm_eval.errors import UserError
    from lsm_eval.models.base import ModelOptions
    from lsm_eval.models.create import create

    with pytest.raises(UserError):
        create(model, ModelOptions(offline=True)).fingerprint()


@pytest.mark.parametrize("name", ["reports:v1", "s3:x", "file:x", "a\nb", "100%", "~"])
def test_names_that_look_like_something_else(
    run: Runner, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lsm_eval.results.reader import read_records

    monkeypatch.chdir(tmp_path)
    run.out = Path(name)
    for _ in range(2):
        assert run("--limit", "2", "--store", name, model="builtin:first").code == 0
    records = read_records(tmp_path / name)
    assert [record.sample_count("choose") for record in records] == [2, 2]
    assert records[1].manifest.requests["from_store"] == 2
    assert call("leaderboard", name, "--out", f"{name}-site").code == 0


def test_without_a_home_folder(run: Runner) -> None:
    """As in a container whose user is in no list."""
    if not shutil.which("unshare"):
        pytest.skip("needs `unshare`")
    inside = ["unshare", "-U", "--map-user=54321", "--map-group=54321", sys.executable, "-m", "lsm_eval"]
    env = {k: v for k, v in environment().items() if k not in ("HOME", "LSM_EVAL_CACHE", "XDG_CACHE_HOME")}

    def go(*more: str) -> subprocess.CompletedProcess[str]:
        command = [*inside, *run.arguments(*more, model="builtin:first")]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    if subprocess.run([*inside[:4], "true"], capture_output=True, check=False).returncode:
        pytest.skip("may not make a user of its own")
    done = go("--store", "none")
    assert done.returncode == 0, done.stderr
    refused = go()
    assert refused.returncode == 2
    assert "LSM_EVAL_CACHE" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_halves_of_surrogate_pairs_are_said_once(run: Runner, tmp_path: Path) -> None:
    rows = [{"question": "\ud800", "choices": ["a\udfff", "b"], "answer": 0}, QUESTIONS[0]]
    defs = write_task(tmp_path / "defs", "halves", rows, title="t", cluster="{{ question }}", **SCORE).parent
    done = run("--store", tmp_path / "store", tasks="halves", include=defs)
    assert done.code == 0, done.err
    (note,) = [line for line in done.err.splitlines() if "surrogate" in line]
    assert note.startswith("lsm-eval: halves: 1 sample or row has half a surrogate pair")
    assert "\ufffd" in json.dumps(_prompts(done.record), ensure_ascii=False)


def _prompts(record: Path) -> list[str]:
    import pyarrow.parquet as pq

    (path,) = (record / "samples").iterdir()
    found: list[str] = pq.read_table(path)["prompt"].to_pylist()
    return found


def test_file_names_that_are_no_text(run: Runner, tmp_path: Path) -> None:
    out = os.fsdecode(bytes(tmp_path) + b"/\xff")
    done = spawn(*run.arguments("--store", "none", "--out", out, model="builtin:first"))
    assert done.code == 0, done.err
    assert list(Path(out).glob("*/*/manifest.json"))
