"""What is not there keeps no limit, and no share: the gate says so, and does not pass."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from gate_runs import GateRuns, edited, with_manifest

import lsm_eval
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import GateResult
from lsm_eval.importing.importing import import_file

INSPECT = next((Path(__file__).parents[1] / "importing" / "files" / "inspect").glob("*_colours_*.json"))


def gated(runs: GateRuns, candidate: Path, **policy: Any) -> GateResult:
    told = Policy.model_validate({"metrics": "named", **policy})
    return lsm_eval.gate(None, candidate, told, include=[runs.tasks])


def test_shares_of_a_record_without_samples(gate_runs: GateRuns, tmp_path: Path) -> None:
    made = Path(shutil.copytree(gate_runs.candidate, tmp_path / "published"))
    shutil.rmtree(made / "samples")
    limits = [{"task": "same", "metric": "acc", "at_least": 0.5}]
    kept = gated(gate_runs, made, limits=limits)
    assert kept.answer == "pass"
    assert any("numbers are not counted again" in note for note in kept.notes)
    result = gated(gate_runs, made, limits=limits, shares={"missing": 0.0})
    assert (result.answer, result.exit_code) == ("not comparable", 4)
    assert (
        "same: the policy limits shares of samples, and the candidate has no samples of its own"
        in " ".join(result.reasons)
    )


def test_a_task_that_the_run_left_out(gate_runs: GateRuns, tmp_path: Path) -> None:
    def leave_out(content: dict[str, Any]) -> None:
        content["left_out"] = [{"task": "harm_more", "why": "its data cannot be read"}]
        content["absent"] = [{"task": "same", "metric": "judged", "why": "it asks a judge"}]

    made = with_manifest(gate_runs.candidate, tmp_path, leave_out)
    limit = {"task": "harm*", "metric": "acc", "at_most": 0.9}
    assert gated(gate_runs, gate_runs.candidate, limits=[limit]).answer == "pass"
    result = gated(gate_runs, made, limits=[limit])
    assert result.exit_code == 4
    (reason,) = result.reasons
    assert reason.startswith(
        "The policy limits acc of harm*, and the candidate left out harm_more (its data cannot be read): run it"
    )
    rules = [{"task": "harm_more", "ignore": True}]
    assert gated(gate_runs, made, limits=[limit], rules=rules).answer == "pass"
    result = gated(gate_runs, made, limits=[{"task": "*", "metric": "judged", "at_most": 0.1}], rules=rules)
    assert (
        "The policy limits judged of same, which the candidate left out (it asks a judge): run it."
        in result.reasons
    )
    result = gated(gate_runs, made, shares={"missing": 0.0})
    assert "the candidate left the task out" in " ".join(result.reasons)
    # What fails, fails all the same.
    assert gated(gate_runs, made, limits=[{**limit, "at_least": 0.5, "at_most": None}]).answer == "fail"


def test_cut_answers_are_those_of_samples_that_both_have(gate_runs: GateRuns, tmp_path: Path) -> None:
    """The baseline ran 400, and the candidate the first 40, of which 4 are cut in both."""

    def cut(table: pd.DataFrame) -> pd.DataFrame:
        finish = pd.Series(["length"] * 4 + [None] * (len(table) - 4), index=table.index, dtype="object")
        return table.assign(finish=finish)

    def few(table: pd.DataFrame) -> pd.DataFrame:
        return cut(table.iloc[:40])

    first = edited(gate_runs.baseline, tmp_path / "a", "same", cut)
    second = edited(gate_runs.candidate, tmp_path / "b", "same", few)
    manifest = json.loads((second / "manifest.json").read_text())
    next(row for row in manifest["tasks"] if row["task"] == "same")["samples"] = 40
    (second / "manifest.json").write_text(json.dumps(manifest))
    estimates = (second / "estimates.json").read_text()
    (second / "estimates.json").write_text(estimates.replace("n:400", "n:40"))
    policy = Policy.model_validate(
        {"rules": [{"task": "*", "ignore": True}, {"task": "same", "ignore": False}]}
    )
    result = lsm_eval.gate(first, second, policy, include=[gate_runs.tasks])
    assert (result.answer, result.findings[0].n) == ("not enough data", 40), result.reasons


@pytest.mark.parametrize(("lost", "answer"), [(0, "pass"), (10, "pass"), (11, "not comparable")])
def test_samples_that_another_tool_did_not_score(tmp_path: Path, lost: int, answer: str) -> None:
    """They are in no pair of that metric alone, and too many of them are no regression."""
    records = []
    for at, unscored in enumerate((0, lost)):
        content = json.loads(INSPECT.read_text())
        content["eval"]["created"] = f"2026-11-29T0{at}:00:00+00:00"
        content["samples"] = [{**content["samples"][number % 2], "id": f"q{number}"} for number in range(200)]
        for sample in content["samples"][:unscored]:
            sample["scores"] = {**sample["scores"], "match": {"value": float("nan")}}
        content["results"] = None
        (tmp_path / f"{at}.json").write_text(json.dumps(content))
        records.append(import_file(tmp_path / f"{at}.json", tmp_path / "out").record)
    policy = Policy.model_validate(
        {"metrics": "named", "rules": [{"task": "*", "metric": "match/*", "direction": "higher"}]}
    )
    baseline, candidate = records
    unsaid = lsm_eval.gate(baseline, candidate)
    assert unsaid.answer == "not comparable"
    assert (
        "for its file does not say which direction is better; a rule can give its direction."
        in unsaid.notes[0]
    )
    result = lsm_eval.gate(baseline, candidate, policy)
    assert result.answer == answer
    if answer == "pass":
        (found,) = result.findings
        assert (found.n, found.missing, found.discordant) == (200 - lost, lost, 0)
    else:
        assert result.reasons == [
            "colours: 11 of 200 samples have no match/mean in one run or both, and 5 % may: score them again."
        ]
    rows = {row.metric: row for row in lsm_eval.compare(baseline, candidate).rows}
    assert (rows["match/mean"].n, rows["match/mean"].missing) == (200 - lost, lost)
    assert (rows["vowels/mean"].n, rows["vowels/mean"].missing) == (200, 0)
