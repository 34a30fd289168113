"""Records that are not what they say are not gated, and nobody is told that they pass or fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import call
from gate_runs import GateRuns, copy
from honest import edit

import lsm_eval
from lsm_eval.gating.policy import Policy


def with_value(record: Path, folder: Path, task: str, value: float) -> Path:
    """A copy of a record that says another value than its samples have."""
    made = copy(record, folder)

    def change(rows: list[dict[str, Any]]) -> None:
        next(row for row in rows if row["task"] == task).update(value=value, low=None, high=None)

    edit(made / "estimates.json", change)
    return made


@pytest.mark.parametrize("which", ["baseline", "candidate"])
def test_code_4_and_the_reason(gate_runs: GateRuns, tmp_path: Path, which: str) -> None:
    """Of `worse` that would fail, too."""
    records = {"baseline": gate_runs.baseline, "candidate": gate_runs.candidate}
    records[which] = with_value(records[which], tmp_path, "worse", 0.5)
    done = call(
        "gate",
        *(word for name, record in records.items() for word in (f"--{name}", record)),
        "--include",
        gate_runs.tasks,
    )
    assert done.code == 4
    assert f"The {which} is not what it says: worse, acc: it says 0.5, and the mean of its 600" in done.out
    result = lsm_eval.gate(*records.values(), include=[gate_runs.tasks])
    assert (result.answer, result.findings, result.exit_code) == ("not comparable", [], 4)


def test_only_what_is_gated_is_counted_again(gate_runs: GateRuns, tmp_path: Path) -> None:
    made = with_value(gate_runs.candidate, tmp_path, "unsure", 0.5)
    for task, answer in (("same", "pass"), ("worse", "fail"), ("unsure", "not comparable")):
        policy = Policy.model_validate(
            {"rules": [{"task": "*", "ignore": True}, {"task": task, "ignore": False}]}
        )
        assert lsm_eval.gate(gate_runs.baseline, made, policy, include=[gate_runs.tasks]).answer == answer


def test_a_reference_run_is_counted_too(gate_runs: GateRuns, tmp_path: Path) -> None:
    made = with_value(gate_runs.baseline, tmp_path, "same", 0.5)
    limit = {"task": "same", "metric": "acc", "reference": str(made), "margin": 0.03}
    policy = Policy.model_validate({"metrics": "named", "limits": [limit]})
    result = lsm_eval.gate(None, gate_runs.candidate, policy, include=[gate_runs.tasks])
    assert result.answer == "not comparable"
    assert "is not what it says: same, acc: it says 0.5" in result.reasons[0]
