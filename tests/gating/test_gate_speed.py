"""Speed, from runs that took turns."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from gate_runs import GateRuns

import lsm_eval
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import GateResult


def rounds(
    runs: GateRuns, folder: Path, ratio: float, count: int, *, turns: bool = True, hardware: str = "AMD EPYC"
) -> tuple[Path, Path]:
    """Folders with `count` runs of both models, the candidate's `ratio` times as fast."""
    for which, record in enumerate((runs.baseline, runs.candidate)):
        for at in range(count):
            made = folder / f"model{which}" / f"run{at:02}"
            shutil.copytree(record, made)
            content = json.loads((made / "manifest.json").read_text())
            minute = 2 * at + which if turns else at + which * count
            content["created"] = f"2026-01-01T00:{minute:02}:00+00:00"
            content["run"] = f"run{at:02}"
            content["hardware"]["cpu"] = hardware if which else "AMD EPYC"
            speed = 1000 * (1 + 0.01 * (at % 3)) * (ratio if which else 1)
            passes: dict[str, Any] = {"tokens": 1, "padding": 0, "pairs": 1, "rows": 1, "passes": 100}
            content["work"]["score"] = {**passes, "tokens_per_second": speed}
            content["work"]["decode"] = {**passes, "seconds": 10 / ratio if which else 10.0 + 0.1 * (at % 2)}
            (made / "manifest.json").write_text(json.dumps(content))
    return folder / "model0", folder / "model1"


def judged(places: tuple[Path, Path], of: str = "score", slower: float = 0.1) -> GateResult:
    told = {"metrics": "named", "speed": [{"of": of, "slower": slower}]}
    return lsm_eval.gate(*places, Policy.model_validate(told))


def test_slower_fails_and_as_fast_passes(gate_runs: GateRuns, tmp_path: Path) -> None:
    (found,) = judged(rounds(gate_runs, tmp_path / "slow", 0.8, 8)).findings
    assert (found.kind, found.answer, found.n) == ("speed", "fail", 8)
    assert found.metric == "scored tokens per second"
    assert found.loss is not None
    assert found.baseline is not None
    assert found.loss / found.baseline == pytest.approx(0.2)
    assert found.p == pytest.approx(2.0**-8)
    assert "20 % slower over 8 rounds: proven" in found.why
    same = rounds(gate_runs, tmp_path / "same", 1.0, 8)
    assert judged(same).exit_code == 0
    assert judged(same, "latency").exit_code == 0
    slow = tmp_path / "slow" / "model0", tmp_path / "slow" / "model1"
    assert judged(slow, "latency").exit_code == 1
    assert judged(slow, slower=0.25).exit_code == 0


def test_too_few_rounds_prove_nothing(gate_runs: GateRuns, tmp_path: Path) -> None:
    (found,) = judged(rounds(gate_runs, tmp_path, 0.5, 4)).findings
    assert found.answer == "not enough data"
    assert found.wanted_n == math.ceil(-math.log2(0.01)) == 7
    assert "take 7 or more" in found.why


def test_runs_that_did_not_take_turns(gate_runs: GateRuns, tmp_path: Path) -> None:
    (found,) = judged(rounds(gate_runs, tmp_path, 0.5, 8, turns=False)).findings
    assert found.answer == "not enough data"
    assert "did not take turns" in found.why


def test_other_hardware_is_refused(gate_runs: GateRuns, tmp_path: Path) -> None:
    result = judged(rounds(gate_runs, tmp_path, 0.5, 8, hardware="Xeon"))
    assert (result.answer, result.exit_code) == ("not comparable", 4)
    assert "cpu: AMD EPYC against Xeon" in result.reasons[0]


def test_what_was_not_measured(gate_runs: GateRuns) -> None:
    (found,) = judged((gate_runs.baseline, gate_runs.candidate), "prefill").findings
    assert found.answer == "not enough data"
    assert "No run of the baseline measured it" in found.why
