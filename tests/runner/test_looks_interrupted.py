"""A run that a gate watches, killed and run again: the same looks, the same verdicts, and nothing asked twice."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from command_line import SCORE, Outcome, Runner, call, environment, write_task
from tiny_models import save_model

WAIT = 120.0


def kept(store: Path) -> int:
    for database in store.glob("*.sqlite"):
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened,
        ):
            return int(opened.execute("select count(*) from answers").fetchone()[0])
    return 0


def killed_at(arguments: list[str], store: Path, answers: int, sign: int) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "lsm_eval", *arguments],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + WAIT
    while kept(store) < answers:
        if process.poll() is not None:
            pytest.fail(f"the run ended before it could be stopped: {process.communicate()[1]}")
        assert time.monotonic() < end
        time.sleep(0.002)
    process.send_signal(sign)
    _, err = process.communicate(timeout=WAIT)
    return process.returncode, err


def manifest(done: Outcome) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((record(done) / "manifest.json").read_text())
    return content


def record(done: Outcome) -> Path:
    (line,) = [line for line in done.out.splitlines() if line.startswith("record: ")]
    return Path(line.removeprefix("record: "))


def looks(done: Outcome) -> list[str]:
    return [line for line in done.err.splitlines() if line.startswith("lsm-eval: look ")]


@pytest.fixture
def arguments(run: Runner, tmp_path: Path) -> list[str]:
    """A gated run of 300 samples in batches of a few tokens, against another tiny model."""
    rows = [
        {"id": f"q{at}", "question": f"{at} of the cat, and what", "choices": ["yes", "no, the other", f"{at}"], "answer": at % 2}
        for at in range(300)
    ]  # fmt: skip
    tasks = tmp_path / "tasks"
    write_task(tasks, "choose", rows, **SCORE)
    other = save_model(tmp_path / "other", seed=1)
    baseline = call(*run.arguments("--store", "none", include=tasks, model=other)).record
    told = tmp_path / "gate.yaml"
    told.write_text("margin: {fraction: 0.15}\n")
    return run.arguments("--gate", told, "--baseline", baseline, "--batch-tokens", "96", include=tasks)


@pytest.mark.slow
def test_killed_and_continued(arguments: list[str], tmp_path: Path) -> None:
    whole = call(*arguments, "--store", str(tmp_path / "a"))
    asked = manifest(whole)["requests"]["unique"]
    assert len(looks(whole)) >= 2
    store = tmp_path / "b"
    code, err = killed_at([*arguments, "--store", str(store)], store, asked // 2, signal.SIGKILL)
    assert code == -signal.SIGKILL, err
    before = kept(store)
    assert before < asked
    again = call(*arguments, "--store", str(store))
    assert again.code == whole.code
    assert looks(again) == looks(whole)
    counts = manifest(again)["requests"]
    assert (counts["from_store"], counts["computed"]) == (before, asked - before)
    for key in ("gate", "tasks"):
        assert manifest(again)[key] == manifest(whole)[key]
    names = ("estimates.json", "samples/choose.parquet")
    first, second = ([record(done) / name for name in names] for done in (whole, again))
    assert first[0].read_bytes() == second[0].read_bytes()
    assert repr(pq.read_table(first[1]).to_pylist()) == repr(pq.read_table(second[1]).to_pylist())


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(arguments: list[str], tmp_path: Path) -> None:
    store = tmp_path / "store"
    code, err = killed_at([*arguments, "--store", str(store)], store, 20, signal.SIGINT)
    assert code == 130, err
    assert f"lsm-eval: stopped; all answers so far are kept in {store}." in err
    assert " --gate " in err.splitlines()[-1]
