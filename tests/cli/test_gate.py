"""`lsm-eval gate` and `lsm-eval baseline`: exit codes, files, and what is told of mistakes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from command_line import Outcome, call
from gate_runs import GateRuns, edited, failing, make_gate_runs

from lsm_eval.gating.policy import Policy, read_policy


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> GateRuns:
    """Of two built-in models."""
    return make_gate_runs(tmp_path_factory.mktemp("gated"))


def policy(folder: Path, *tasks: str, more: str = "") -> Path:
    path = folder / "gate.yaml"
    rules = ["{task: '*', ignore: true}", *(f"{{task: {task}, ignore: false}}" for task in tasks)]
    path.write_text(f"rules: [{', '.join(rules)}]\n{more}")
    return path


def gated(runs: GateRuns, told: Path, *more: str | Path, second: Path | None = None) -> Outcome:
    return call(
        "gate", "--baseline", runs.baseline, "--candidate", second or runs.candidate, "--policy", told, *more
    )


def test_exit_codes(runs: GateRuns, tmp_path: Path) -> None:
    for task, code, word in (
        ("same", 0, "PASS"),
        ("worse", 1, "FAIL"),
        ("unsure", 3, "NOT ENOUGH DATA"),
    ):
        done = gated(runs, policy(tmp_path, task))
        assert done.code == code, done.err
        assert done.out.splitlines()[-1].startswith(f"{word}. ")
        assert "1 %" in done.out
        assert "5 %" in done.out
    for told, code in (("warn", 0), ("fail", 1)):
        assert gated(runs, policy(tmp_path, "unsure"), "--inconclusive", told).code == code
    lost = edited(runs.candidate, tmp_path, "same", failing(100))
    done = gated(runs, policy(tmp_path, "same"), second=lost)
    assert done.code == 4
    assert "not comparable: same: 100 of 400 samples (25 %) failed" in done.out


def test_one_place_for_two_files_is_a_mistake(runs: GateRuns, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    done = gated(runs, policy(tmp_path, "same"), "--json", tmp_path / "out", "--junit", tmp_path / "link")
    assert "is named for two files, of which one would be lost" in done.sentence()
    assert not (tmp_path / "out").exists()


def test_all_files_at_once(runs: GateRuns, tmp_path: Path) -> None:
    names = {
        "--json": "gate.json",
        "--junit": "junit.xml",
        "--markdown": "gate.md",
        "--comment": "comment.md",
        "--sarif": "gate.sarif",
    }
    arguments = [part for option, name in names.items() for part in (option, tmp_path / name)]
    done = gated(runs, policy(tmp_path, "worse", "same"), *arguments, "--annotations", "github")
    assert done.code == 1
    assert "\n::error title=" in done.out
    content = json.loads((tmp_path / "gate.json").read_text())
    assert (content["answer"], content["exit_code"]) == ("fail", 1)
    assert ET.parse(tmp_path / "junit.xml").getroot().get("failures") == "1"
    assert "Gate: fail" in (tmp_path / "gate.md").read_text()
    assert (tmp_path / "comment.md").read_text().startswith("<!-- lsm-eval gate -->")
    assert json.loads((tmp_path / "gate.sarif").read_text())["version"] == "2.1.0"


def test_mistakes_are_one_sentence(runs: GateRuns, tmp_path: Path) -> None:
    told = policy(tmp_path, "same")
    both = ["--baseline", str(runs.baseline), "--candidate", str(runs.candidate)]
    assert "--candidate" in call("gate").sentence()
    assert "no baseline" in call("gate", "--candidate", runs.candidate).sentence()
    assert (
        "is no folder"
        in call("gate", "--baseline", tmp_path / "none", "--candidate", runs.candidate).sentence()
    )
    assert "gate init" in call("gate", *both, "--policy", tmp_path / "none.yaml").sentence()
    assert (
        "is no folder; make it first" in gated(runs, told, "--json", tmp_path / "none" / "g.json").sentence()
    )
    # Before anything is computed: a run that a gate watches may have been dear.
    assert "is a folder, and a file is to be written" in gated(runs, told, "--json", tmp_path).sentence()
    assert "--across" in gated(runs, told, "--across", "shoots").sentence()
    broken = tmp_path / "broken.yaml"
    broken.write_text("kid: release")
    assert (
        call("gate", *both, "--policy", broken).sentence()
        == f"{broken}: unknown key 'kid': did you mean 'kind'?"
    )
    assert "No such command" in call("gate", "begin").sentence()


def test_init_writes_what_gate_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("gate", "init")
    assert (done.code, done.out) == (0, "policy: lsm-eval-gate.yaml\n")
    found = read_policy(tmp_path / "lsm-eval-gate.yaml")
    assert found.model_copy(update={"policy": "default"}) == Policy()
    assert "exists already" in call("gate", "init").sentence()
    assert call("gate", "init", "other.yaml").code == 0


def test_plan(runs: GateRuns, tmp_path: Path) -> None:
    done = call("gate", "plan", "--baseline", runs.baseline, "--policy", policy(tmp_path, "same"))
    assert done.code == 0
    assert "149" in done.out
    told = policy(tmp_path, "better")
    done = call("gate", "plan", "--baseline", runs.baseline, "--policy", told)
    assert done.code == 2
    assert "lsm-eval: a gate of acc of better with 600 samples could not decide: 2," in done.err
    assert (
        call("gate", "plan", "--baseline", runs.baseline, "--policy", told, "--discordance", "0.02").code == 0
    )
    assert call("gate", "plan", "--baseline", runs.baseline, "--policy", told, "--n", "5000").code == 0
    assert call("gate", "plan", "--baseline", runs.baseline, "--policy", told, "--margin", "0.01").code == 0
    assert (
        "opposite"
        in call("gate", "plan", "--baseline", runs.baseline, "--n", "5", "--margin", "0.1").sentence()
    )


def test_a_baseline_is_accepted_and_gated_against(runs: GateRuns, tmp_path: Path) -> None:
    done = call("baseline", "accept", runs.baseline, "--why", "the start", "--to", tmp_path / "base")
    assert done.code == 0
    again = call("baseline", "accept", runs.candidate, "--why", "it is faster", "--to", tmp_path / "base")
    assert again.out.splitlines()[0] == f"replaced: {runs.baseline.name}"
    told = policy(tmp_path, "worse")
    done = call("gate", "--baseline", tmp_path / "base", "--candidate", runs.candidate, "--policy", told)
    assert done.code == 0
    assert "why" in call("baseline", "accept", runs.baseline).sentence()
