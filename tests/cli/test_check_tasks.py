"""`lsm-eval check-tasks`: each task and suite of a folder is read, its data too, and every sample rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import GENERATE, QUESTIONS, SCORE, call, write_task


def test_the_tasks_of_a_folder(small_tasks: Path) -> None:
    done = call("check-tasks", "--include", small_tasks)
    assert (done.code, done.err) == (0, "")
    header, _, *rows = done.out.splitlines()
    assert header.split() == ["task", "samples", "requests", "data"]
    assert [row.split() for row in rows] == [
        [name, "24", "24", "not", "pinned"] for name in ("choose", "read", "say")
    ]
    assert call("check-tasks", "choose", "say", "--include", small_tasks).out.count("not pinned") == 2
    assert call("check-tasks", small_tasks / "read.yaml").out.count("not pinned") == 1


def test_what_is_wrong_is_named_and_the_others_pass(tmp_path: Path) -> None:
    write_task(tmp_path, "good", QUESTIONS, **SCORE)
    last = [*QUESTIONS[:-1], {**QUESTIONS[-1], "question": None}]
    write_task(tmp_path, "null_in_the_last_row", last, **SCORE)
    write_task(tmp_path, "misspelt", QUESTIONS, **{**SCORE, "metrics": ["acccc"]})
    pinned = {"file": "changed.jsonl", "columns": ["question"], "sha256": "0" * 64}
    write_task(tmp_path, "changed", QUESTIONS, **{**GENERATE, "target": "x", "dataset": pinned})
    (tmp_path / "broken.yaml").write_text("task: broken\nversion: [\n")
    (tmp_path / "nightly.yaml").write_text(
        "suite: nightly\ntitle: x\ntasks: [good, misspelt, no_such_task]\n"
    )
    done = call("check-tasks", "--include", tmp_path)
    assert done.code == 2
    assert [row.split()[0] for row in done.out.splitlines()[2:]] == ["good"]
    said = done.err.splitlines()
    assert any("null_in_the_last_row is left out" in line and "sample '23'" in line for line in said)
    assert any("misspelt is left out: unknown metric 'acccc'" in line for line in said)
    assert any(
        "changed is left out" in line and "other content than the task file pins" in line for line in said
    )
    assert any("broken is left out" in line for line in said)
    assert any("the suite nightly does not pass" in line and "no_such_task" in line for line in said)
    assert len(said) == 5
    assert "Traceback" not in done.err


def test_suites_alone(tmp_path: Path) -> None:
    suite = tmp_path / "mine.yaml"
    suite.write_text("suite: mine\ntitle: x\ntasks: [quickstart_bias, mmlu]\n")
    done = call("check-tasks", "--include", tmp_path)
    assert (done.code, done.out, done.err) == (0, "", ""), "no data of other tasks is read"
    suite.write_text("suite: mine\ntitle: x\ntasks: [quickstart_bais]\n")
    done = call("check-tasks", "--include", tmp_path)
    assert done.code == 2
    assert "did you mean 'quickstart_bias'?" in done.err


def test_code_needs_the_users_word(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert call("new", "task", "mine", "--code", "--out", folder).code == 0
    assert "add --include-code" in call("check-tasks", "--include", folder).sentence()
    assert call("check-tasks", "--include", folder, "--include-code").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no task is named: name tasks, or a folder of task files with --include DIR."),
        (["--include", "."], "no task file in .: name tasks, or a folder"),
        (["--include", "none"], "--include none: no such folder"),
        (["quickstart_bais"], "did you mean 'quickstart_bias'?"),
    ],
)
def test_mistakes(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in call("check-tasks", *arguments).sentence()


@pytest.mark.parametrize("alone", [True, False])
def test_names_that_ours_have_already(tmp_path: Path, alone: bool) -> None:
    write_task(tmp_path, "gsm8k", QUESTIONS, **SCORE)
    (tmp_path / "mine.yaml").write_text("suite: quickstart\ntitle: x\ntasks: [quickstart_bias]\n")
    if not alone:
        write_task(tmp_path, "good", QUESTIONS, **SCORE)
    done = call("check-tasks", "--include", tmp_path)
    assert done.code == 2
    assert "task 'gsm8k' is defined twice" in done.err
    assert "suite 'quickstart' is defined twice" in done.err
    assert ("good" in done.out) != alone
