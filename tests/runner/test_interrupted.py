"""Runs that are killed, stopped, and run again: nothing is asked twice, and the numbers are the same."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from command_line import GENERATE, PERPLEXITY, SCORE, Outcome, Runner, call, environment, write_task

TASKS = "choose,say,read"
SMALL_BATCHES = ("--batch-tokens", "24")
WAIT = 120.0


@pytest.fixture(scope="module")
def many_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small tasks with enough samples that a run takes some seconds of one batch after the other."""
    return _tasks(tmp_path_factory.mktemp("many"), 200)


@pytest.fixture(scope="module")
def some_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with enough samples to be stopped among the first of them."""
    return _tasks(tmp_path_factory.mktemp("some"), 70)


def _tasks(folder: Path, count: int) -> Path:
    rows = [
        {
            "question": f"{at} of the {'cat' if at % 3 else 'dog'}, {'and ' * (at % 5)}what",
            "choices": ["yes", "no, the other", f"{at} {at + 1}", "mat"][: 2 + at % 3],
            "answer": at % 2,
        }
        for at in range(count)
    ]
    write_task(folder, "choose", rows, **SCORE)
    write_task(folder, "say", rows, **{**GENERATE, "max_tokens": 5})
    write_task(folder, "read", rows, **PERPLEXITY)
    return folder


def _answered(store: Path) -> int:
    for database in store.glob("*.sqlite"):
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened,
        ):
            return int(opened.execute("select count(*) from answers").fetchone()[0])
    return 0


def _stop_at(
    arguments: list[str], store: Path, answers: int, sign: int, delay: float = 0.0
) -> tuple[int, str]:
    """Run until the store holds so many answers, then send the signal. Exit code and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lsm_eval", *arguments],
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        # Shells start what runs in the background with SIGINT ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + WAIT
    while _answered(store) < answers:
        if process.poll() is not None:
            pytest.fail(f"the run ended before it could be stopped: {process.communicate()[1]}")
        assert time.monotonic() < end
        time.sleep(0.002)
    time.sleep(delay)
    process.send_signal(sign)
    _, err = process.communicate(timeout=WAIT)
    return process.returncode, err


def _requests(done: Outcome) -> dict[str, int]:
    counts: dict[str, int] = _manifest(done)["requests"]
    return counts


def _manifest(done: Outcome) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((done.record / "manifest.json").read_text())
    return content


def _same_numbers(one: Outcome, other: Outcome) -> None:
    """The records agree to the last bit, but for when, where and how much was computed."""
    assert (one.record / "estimates.json").read_bytes() == (other.record / "estimates.json").read_bytes()
    names = sorted(path.name for path in (one.record / "samples").iterdir())
    assert names == sorted(path.name for path in (other.record / "samples").iterdir())
    for name in names:
        first, second = (pq.read_table(done.record / "samples" / name) for done in (one, other))
        assert first.schema.equals(second.schema, check_metadata=True)
        # As text, because a NaN would differ from itself, and so that every digit counts.
        assert repr(first.to_pylist()) == repr(second.to_pylist())
    differ = {"run", "created", "command", "phases", "requests", "tokens", "work", "latency"}
    first_manifest, second_manifest = (_manifest(done) for done in (one, other))
    for manifest in (first_manifest, second_manifest):
        # Known only where weights were loaded, which a run that finds all its answers does not do.
        manifest["model"] = {**manifest["model"], "details": None}
    for key in first_manifest.keys() - differ:
        assert first_manifest[key] == second_manifest[key], key
    assert first_manifest["tokens"]["asked"] == second_manifest["tokens"]["asked"]


@pytest.mark.slow
def test_killed_again_and_again(run: Runner, many_tasks: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    store = tmp_path / "store"
    arguments = run.arguments("--store", store, *SMALL_BATCHES, tasks=TASKS, include=many_tasks)
    whole = call(*run.arguments("--store", tmp_path / "o", *SMALL_BATCHES, tasks=TASKS, include=many_tasks))
    total = _requests(whole)["unique"]
    assert _requests(whole)["computed"] == total
    # Somewhere in scoring, then further on, then in the generation at the end.
    for part in (0, 1, 2):
        at = max(1, int((part + chance.random()) * total / 3.5))
        code, err = _stop_at(arguments, store, at, signal.SIGKILL, delay=chance.random() * 0.02)
        assert code == -signal.SIGKILL, err
    kept = _answered(store)
    assert 0 < kept < total
    resumed = call(*arguments)
    assert resumed.code == 0
    assert _requests(resumed)["from_store"] == kept
    assert _requests(resumed)["computed"] == total - kept
    _same_numbers(whole, resumed)
    assert len(list(run.out.rglob("manifest.json"))) == 2, "a killed run leaves no record"


def test_ctrl_c(run: Runner, some_tasks: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    arguments = run.arguments("--store", store, *SMALL_BATCHES, tasks=TASKS, include=some_tasks)
    code, err = _stop_at(arguments, store, 20, signal.SIGINT)
    assert code == 130, err
    assert "Traceback" not in err
    assert f"lsm-eval: stopped; all answers so far are kept in {store}." in err
    assert f"run the same command again:\n  lsm-eval {' '.join(arguments)}" in err
    assert not list(run.out.rglob("manifest.json"))
    kept = _answered(store)
    resumed = call(*arguments)
    assert _requests(resumed)["from_store"] == kept >= 20


@pytest.mark.slow
def test_termination_is_like_ctrl_c(run: Runner, many_tasks: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    arguments = run.arguments("--store", store, *SMALL_BATCHES, tasks=TASKS, include=many_tasks)
    code, err = _stop_at(arguments, store, 20, signal.SIGTERM)
    assert code == 130, err
    assert "Traceback" not in err
    assert "all answers so far are kept" in err


def test_twice_with_fresh_stores(run: Runner, tmp_path: Path) -> None:
    first, second = (run("--store", tmp_path / name, tasks=TASKS) for name in ("a", "b"))
    assert _requests(second)["from_store"] == 0
    _same_numbers(first, second)


def test_without_a_store(run: Runner, tmp_path: Path) -> None:
    _same_numbers(run("--store", tmp_path / "a", tasks=TASKS), run("--store", "none", tasks=TASKS))


def test_again_with_the_same_store(run: Runner, tmp_path: Path) -> None:
    first, second = (run("--store", tmp_path / "store", tasks=TASKS) for _ in range(2))
    counts = _requests(second)
    assert (counts["computed"], counts["failed"]) == (0, 0)
    assert counts["from_store"] == counts["unique"] == _requests(first)["computed"]
    assert "load model" in first.err
    assert "load model" not in second.err, "what is all answered needs no weights"
    assert "load" in [phase["name"] for phase in _manifest(first)["phases"]]
    assert "load" not in [phase["name"] for phase in _manifest(second)["phases"]]
    _same_numbers(first, second)


def test_a_task_more_asks_that_task_only(run: Runner, tmp_path: Path) -> None:
    first = run("--store", tmp_path / "store", tasks="choose")
    more = run("--store", tmp_path / "store", tasks="choose,read")
    assert _requests(more)["from_store"] == _requests(first)["unique"]
    alone = json.loads((first.record / "estimates.json").read_text())
    assert alone == json.loads((more.record / "estimates.json").read_text())[:1]


def test_equal_requests_of_two_tasks_are_asked_once(run: Runner, tmp_path: Path) -> None:
    from command_line import QUESTIONS

    write_task(tmp_path / "defs", "one", QUESTIONS, **SCORE)
    write_task(tmp_path / "defs", "two", QUESTIONS, **{**SCORE, "metrics": ["acc_norm"]})
    counts = _requests(run("--store", tmp_path / "s", tasks="one,two", include=tmp_path / "defs"))
    assert counts["asked"] == 2 * len(QUESTIONS)
    assert counts["unique"] == counts["computed"] == len(QUESTIONS)


@pytest.mark.parametrize("change", ["--dtype=bfloat16", "--overflow=skip"])
def test_another_way_of_computing_shares_no_answers(run: Runner, tmp_path: Path, change: str) -> None:
    run("--store", tmp_path / "store")
    assert _requests(run("--store", tmp_path / "store", change))["from_store"] == 0


def test_other_weights_share_no_answers(run: Runner, tmp_path: Path, tiny_llama: Path) -> None:
    from tiny_models import save_model

    run("--store", tmp_path / "store")
    other = save_model(tmp_path / "tiny-llama", seed=1)
    done = run("--store", tmp_path / "store", model=other)
    assert _requests(done)["from_store"] == 0
    assert _manifest(done)["model"]["name"] == "hf:tiny-llama", "the same name is not the same model"
