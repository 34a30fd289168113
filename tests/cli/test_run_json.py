"""`run --json`: one object a record on standard output, all else on standard error, and the same exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import QUESTIONS, SCORE, Runner, call, write_task, write_tasks

from lsm_eval.results.reader import read_record


def only(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_object_says_what_the_record_says(run: Runner, tmp_path: Path) -> None:
    defs = write_tasks(tmp_path / "defs")
    (defs / "read.jsonl").unlink()
    done = run("--store", "none", "--json", tasks="choose,read", model="builtin:first", include=defs)
    assert done.code == 2, "read has lost its data"
    found = only(done.out)
    record = read_record(Path(found["record"]))
    assert found["run"] == record.manifest.run
    assert found["estimates"] == [row.model_dump() for row in record.estimates]
    assert {"value", "low", "high", "n", "missing", "signature"} <= found["estimates"][0].keys()
    assert found["model"]["name"] == found["model"]["shown_name"] == "builtin:first"
    assert [row["task"] for row in found["tasks"]] == ["choose"]
    assert [row["task"] for row in found["left_out"]] == ["read"]
    assert found["exit_code"] == 2
    assert "1 of 2 tasks was left out (read)" in found["problems"][0]
    assert found["gate"] is found["gate_result"] is None
    assert found["seconds"] > 0


def test_notes_and_progress_go_to_standard_error(run: Runner) -> None:
    plain = run("--store", "none", model="builtin:first")
    done = run("--store", "none", "--json", model="builtin:first")
    assert done.code == plain.code == 0
    assert only(done.out)["exit_code"] == 0
    assert "data: " in done.err
    assert "record: " not in done.out
    assert "record: " in plain.out


def test_no_record_no_object(run: Runner) -> None:
    assert run("--json", tasks="chose").sentence().startswith("unknown task 'chose'")


def test_it_may_stand_anywhere(run: Runner) -> None:
    arguments = run.arguments("--store", "none", model="builtin:first")
    done = call("run", "--json", *arguments[1:])
    assert only(done.out)["exit_code"] == 0


def test_a_dry_run(run: Runner) -> None:
    found = only(run("--dry-run", "--json").out)
    assert found["dry_run"] is True
    (task,) = found["tasks"]
    assert (task["task"], task["requests"], task["sequences"]) == ("choose", 24, 72)
    assert task["tokens"] > task["longest"] > 0
    assert found["left_out"] == found["cost"] == found["looks"] == []
    assert not run.out.exists()


def test_several_adapters_give_a_line_each(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from lsm_eval.models import create as creating

    whole = creating.create

    def without(name: str, options: Any, progress: Any = None) -> Any:
        from dataclasses import replace

        return whole(name, replace(options, adapter=None), progress)

    monkeypatch.setattr(creating, "create", without)
    done = run(
        "--store",
        "none",
        "--json",
        "--adapter",
        tmp_path / "a",
        "--adapter",
        tmp_path / "b",
        model="builtin:first",
    )
    assert done.code == 0, done.err
    found = [json.loads(line) for line in done.out.splitlines()]
    assert len({one["record"] for one in found}) == len(found) == 3
    assert "the base model, without an adapter" in done.err


@pytest.fixture
def gated(tmp_path: Path) -> list[str]:
    """A run that a gate watches, of a task that the candidate answers as the baseline does."""
    rows = [{**row, "question": f"{at} {row['question']}"} for at, row in enumerate(QUESTIONS * 10)]
    write_task(tmp_path / "many", "many", rows, **SCORE)
    common = [
        "run",
        "--tasks",
        "many",
        "--include",
        str(tmp_path / "many"),
        "--model",
        "builtin:first",
        "--store",
        "none",
    ]
    base = call(*common, "--out", tmp_path / "base")
    return [*common, "--out", str(tmp_path / "out"), "--gate", "pull-request", "--baseline", str(base.record)]


def test_a_gate_s_result_is_in_the_object(gated: list[str], tmp_path: Path) -> None:
    done = call(*gated, "--json")
    found = only(done.out)
    assert found["gate_result"]["answer"] == found["gate"]["answer"]
    assert found["exit_code"] == found["gate_result"]["exit_code"] == done.code
    assert "many, acc" in done.err or "PASS" in done.err, "a reader still sees the answer"
    file = tmp_path / "gate.json"
    again = call(*gated, "--json", file)
    assert again.code == done.code
    assert json.loads(file.read_text())["answer"] == found["gate"]["answer"]
    assert again.out.splitlines()[0].startswith("task")


def test_a_gate_s_plan(gated: list[str]) -> None:
    found = only(call(*gated, "--dry-run", "--json").out)
    (look,) = found["looks"]
    assert look["task"] == "many"
    assert 0 < look["before_the_first"] <= look["samples_at_most"] == 240
