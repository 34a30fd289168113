"""The repository's gate of itself: the same numbers pass, and another one needs to be accepted, with a reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from ci_steps import Runner
from command_line import SCORE, call, write_task
from gate_runs import rows, run_of


@pytest.fixture
def runner(tmp_path: Path, repo: Path) -> Runner:
    """A project with a task, a baseline that was accepted, and the scripts."""
    write_task(tmp_path / "tasks", "few", rows(20, 1, 0), **SCORE)
    record = run_of("builtin:first", tmp_path / "tasks", tmp_path / "reports")
    done = call("baseline", "accept", record, "--why", "first", "--to", tmp_path / "baseline")
    assert done.code == 0, done.err
    return Runner(tmp_path / "runner", tmp_path, {"GATE": str(repo / "ci" / "self-gate.sh")})


def gated(runner: Runner, model: str = "builtin:first") -> tuple[int, str]:
    done = runner.bash(f'bash "$GATE" {model} baseline few tasks')
    return done.returncode, done.stdout + done.stderr


def test_the_same_numbers_pass(runner: Runner) -> None:
    code, said = gated(runner)
    assert code == 0, said
    assert "NOT ENOUGH DATA" in said


@pytest.mark.slow
def test_another_number_must_be_accepted(runner: Runner) -> None:
    code, said = gated(runner, "builtin:longest")
    assert code == 1
    assert "self-gate: few, acc: (1.0, 21) was accepted, (0.952" in said
    assert "lsm-eval baseline accept RECORD --why TEXT --to baseline" in said
    record = run_of("builtin:longest", runner.work / "tasks", runner.work / "reports")
    assert (
        call("baseline", "accept", record, "--why", "longer is meant", "--to", runner.work / "baseline").code
        == 0
    )
    assert gated(runner, "builtin:longest")[0] == 0


@pytest.mark.slow
def test_a_record_that_nobody_accepted(runner: Runner) -> None:
    record = run_of("builtin:first", runner.work / "tasks", runner.work / "reports")
    (old,) = [path for path in (runner.work / "baseline").iterdir() if path.is_dir()]
    shutil.rmtree(old)
    shutil.copytree(record, runner.work / "baseline" / record.name)
    code, said = gated(runner)
    assert code == 1
    assert f"holds the run {record.name}, and {old.name} is what was accepted last" in said
    reasons = [
        json.loads(line) for line in (runner.work / "baseline" / "accepted.jsonl").read_text().splitlines()
    ]
    assert [one["why"] for one in reasons] == ["first"]


@pytest.mark.slow
def test_what_cannot_be_run_is_told(runner: Runner) -> None:
    (runner.work / "tasks" / "few.yaml").unlink()
    code, said = gated(runner)
    assert code == 2
    assert "unknown task 'few'" in said
