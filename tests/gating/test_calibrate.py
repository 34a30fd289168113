"""Runs of one model held against each other, and a gate that adds what they differ by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import SCORE, call, write_task
from gate_runs import GateRuns, copy, rows, run_of
from honest import edit, made_honest

import lsm_eval
from lsm_eval.comparison.find import find
from lsm_eval.errors import UserError
from lsm_eval.gating.calibrate import calibrate
from lsm_eval.gating.policy import Policy

TASK = "steady"
YES_OR_NO = [{"question": str(at), "choices": ["yes", "no"], "answer": at % 2} for at in range(50)]


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs of one model on 400 samples, one after the other."""
    folder = tmp_path_factory.mktemp("steady")
    write_task(folder / "tasks", TASK, rows(300, 60, 40), **{**SCORE, "metrics": ["acc"]})
    return [
        run_of("builtin:first", folder / "tasks", folder / "reports", TASK, "--store", "none")
        for _ in range(3)
    ]


def again(record: Path, folder: Path, name: str, flips: Sequence[int]) -> Path:
    """The record as of another run, in which some samples have the other score."""
    made = copy(record, folder / name)
    path = made / "samples" / f"{TASK}.parquet"
    table = pd.read_parquet(path)
    scores = table["score.acc"].to_numpy().copy()
    scores[list(flips)] = 1 - scores[list(flips)]
    table["score.acc"] = scores
    table["stats.acc"] = [[score, 1.0] for score in scores]
    table.to_parquet(path)
    edit(made / "manifest.json", lambda found: found.update(run=name))
    return made_honest(made, TASK)


@pytest.fixture
def noisy(steady: list[Path], tmp_path: Path) -> list[Path]:
    """Runs of which each has a shift of its own: 0, 12, 4 and 20 more samples are wrong."""
    return [again(steady[0], tmp_path, f"run{at}", range(count)) for at, count in enumerate((0, 12, 4, 20))]


def calibrated(records: Sequence[Path], folder: Path) -> Path:
    file = folder / "calibration.json"
    done = call("gate", "calibrate", *records, "--out", file)
    assert done.code == 0, done.err
    return file


def test_runs_that_agree_have_no_noise(steady: list[Path], tmp_path: Path) -> None:
    file = calibrated(steady, tmp_path)
    (found,) = json.loads(file.read_text())["metrics"]
    assert (found["task"], found["metric"], found["n"], found["missing"]) == (TASK, "acc", 400, 0)
    assert [found[name] for name in ("flips", "unstable", "between", "variance")] == [0, 0, 0, 0]
    plain = lsm_eval.gate(steady[0], steady[1])
    result = lsm_eval.gate(steady[0], steady[1], calibration=file)
    assert result.answer == "pass"
    assert result.findings == plain.findings
    assert (
        "Every difference has the noise of the engine added, calibrated from 3 runs of builtin:first."
        in result.notes
    )


def test_flips_and_variance_are_those_of_the_samples(noisy: list[Path], tmp_path: Path) -> None:
    content = json.loads(calibrated(noisy, tmp_path).read_text())
    (found,) = content["metrics"]
    means = [300 + 60 - count for count in (0, 12, 4, 20)]
    # Of each pair of runs as many samples differ as their counts do.
    assert found["flips"] == pytest.approx(np.mean([12, 4, 20, 8, 8, 16]) / 400)
    assert found["unstable"] == pytest.approx(20 / 400)
    assert found["between"] == pytest.approx(np.var(np.array(means) / 400, ddof=1))
    assert 0 < found["variance"] <= 2 * found["between"]
    assert content["runs"] == ["run0", "run1", "run2", "run3"]
    assert content["engine"]["versions"]["torch"]
    assert content["engine"]["hardware"]["cpu"]


def test_a_gate_adds_the_noise(noisy: list[Path], tmp_path: Path) -> None:
    """What runs of one model differ by is no loss of another."""
    file = calibrated(noisy, tmp_path)
    policy = Policy.model_validate({"margin": {"fraction": 0.04}})
    arguments = (noisy[0], noisy[3], policy)
    plain, result = lsm_eval.gate(*arguments), lsm_eval.gate(*arguments, calibration=file)
    assert plain.answer == "fail"
    assert result.answer == "not enough data"
    (before,), (after,) = plain.findings, result.findings
    assert after.loss == before.loss == pytest.approx(0.05)
    assert after.low is not None
    assert before.low is not None
    assert after.low < 0 < before.low
    assert "noise" in after.method
    # Where no pair differs, too: what is ruled out is more than n equal pairs rule out.
    equal = again(noisy[0], tmp_path, "equal", [])
    (sure,) = lsm_eval.gate(noisy[0], equal, policy).findings
    (unsure,) = lsm_eval.gate(noisy[0], equal, policy, calibration=file).findings
    assert (sure.discordant, sure.answer) == (0, "pass")
    assert sure.high is not None
    assert unsure.high is not None
    assert unsure.high > 2 * sure.high
    # A metric with a fair value as well.
    fair = Policy.model_validate({"rules": [{"task": "*", "metric": "acc", "fair": 1.0, "margin": 0.04}]})
    (close,) = lsm_eval.gate(noisy[0], noisy[3], fair).findings
    (wide,) = lsm_eval.gate(noisy[0], noisy[3], fair, calibration=file).findings
    assert (close.answer, wide.answer) == ("fail", "not enough data")


def with_engine(record: Path, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    made = copy(record, folder / "changed")
    edit(made / "manifest.json", change)
    return made


OTHERS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "cpu": (lambda m: m["hardware"].update(cpu="Another"), "against Another"),
    "gpu": (lambda m: m["hardware"].update(gpu="Big"), "gpu: none against Big"),
    "torch": (lambda m: m["versions"].update(torch="1.0"), "version of torch: "),
    "own version": (lambda m: m["versions"].update({"lsm-eval": "9"}), "version of lsm-eval: "),
    "engine": (lambda m: m["model"].update(details={"engine": "other"}), "engine: none against other"),
    "dtype": (lambda m: m["model"].update(dtype="float16"), "dtype: none against float16"),
    "device": (lambda m: m["model"].update(device="cuda"), "device: none against cuda"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_engine_is_refused_by_name(steady: list[Path], tmp_path: Path, what: str) -> None:
    change, said = OTHERS[what]
    file = calibrated(steady, tmp_path)
    other = with_engine(steady[1], tmp_path, change)
    done = call("gate", "--baseline", steady[0], "--candidate", other, "--calibration", file)
    assert done.code == 4
    assert "The calibration is of another engine than the candidate (" in done.out
    assert said in done.out
    with pytest.raises(UserError, match="is of another engine than"):
        calibrate([find(str(one)) for one in (steady[0], steady[2], other)])


def test_a_reference_of_another_engine_is_refused(steady: list[Path], tmp_path: Path) -> None:
    other = with_engine(steady[1], tmp_path, OTHERS["torch"][0])
    limit = {"task": TASK, "metric": "acc", "reference": str(other), "margin": 0.05}
    policy = Policy.model_validate({"metrics": "named", "limits": [limit]})
    result = lsm_eval.gate(None, steady[0], policy, calibration=calibrated(steady, tmp_path))
    assert result.answer == "not comparable"
    assert "version of torch: " in result.reasons[0]


def test_how_things_are_counted_is_no_engine(steady: list[Path], tmp_path: Path) -> None:
    other = with_engine(steady[1], tmp_path, lambda m: m["versions"].update(sacrebleu="1", python="3.99"))
    assert lsm_eval.gate(steady[0], other, calibration=calibrated(steady, tmp_path)).answer == "pass"


def test_a_metric_that_was_not_calibrated_is_named(
    steady: list[Path], gate_runs: GateRuns, tmp_path: Path
) -> None:
    file = calibrated(steady, tmp_path)
    policy = Policy.model_validate(
        {"rules": [{"task": "*", "ignore": True}, {"task": "same", "ignore": False}]}
    )
    result = lsm_eval.gate(
        gate_runs.baseline, gate_runs.candidate, policy, include=[gate_runs.tasks], calibration=file
    )
    assert (
        "same: acc is not calibrated as it was asked here, and no noise of the engine is added."
        in result.notes
    )


def from_store(record: Path, folder: Path) -> Path:
    made = copy(record, folder)

    def change(found: dict[str, Any]) -> None:
        counts = found["requests"]
        counts.update(from_store=5, computed=counts["unique"] - 5)

    edit(made / "manifest.json", change)
    return made


def test_runs_that_do_not_tell_are_refused(steady: list[Path], gate_runs: GateRuns, tmp_path: Path) -> None:
    one, two, three = steady
    wrong = copy(three, tmp_path / "wrong")
    edit(wrong / "estimates.json", lambda found: found[0].update(value=0.1, low=None, high=None))
    for records, said in (
        ((one, two), "2 runs do not show how runs vary"),
        ((one, two, one), "is named twice"),
        ((one, two, gate_runs.candidate), "is of another model (builtin:longest"),
        ((one, two, from_store(three, tmp_path)), "took 5 answers from the response store"),
        ((one, two, wrong), "is not what it says: steady, acc: it says 0.1"),
        ((one, two, gate_runs.baseline), "can be calibrated (steady, acc: a run lacks it)"),
    ):
        done = call("gate", "calibrate", *records, "--out", tmp_path / "none.json")
        assert said in done.sentence(), done.err
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no calibration"),
        (b"{}", "is no calibration (schema_version: Field required)"),
        (b"\xff", "cannot be read"),
        (b"[" * 100_000, "is no calibration"),
    ],
)
def test_what_is_no_calibration_is_one_sentence(
    steady: list[Path], tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)
    done = call("gate", "--baseline", steady[0], "--candidate", steady[1], "--calibration", file)
    assert said in done.sentence()
    assert "gate calibrate" in done.err


def test_values_that_are_none_are_no_calibration(steady: list[Path], tmp_path: Path) -> None:
    file = calibrated(steady, tmp_path)
    for name, value in (("variance", -1.0), ("variance", "NaN"), ("flips", 2), ("runs", 7)):
        content = json.loads(file.read_text())
        content["metrics"][0][name] = value
        other = tmp_path / "other.json"
        other.write_text(json.dumps(content))
        done = call("gate", "--baseline", steady[0], "--candidate", steady[1], "--calibration", other)
        assert "is no calibration (metrics.0." in done.sentence()


def test_a_metric_that_is_no_mean_is_calibrated_with_its_task_file(tmp_path: Path) -> None:
    task = {**SCORE, "metrics": ["acc", "macro_f1"]}
    write_task(tmp_path / "tasks", TASK, YES_OR_NO, **task)
    runs = [
        run_of("builtin:first", tmp_path / "tasks", tmp_path / "reports", TASK, "--store", "none")
        for _ in range(3)
    ]
    records = [find(str(one)) for one in runs]
    found = calibrate(records, [tmp_path / "tasks"])
    assert {one.metric: (one.n, one.flips, one.variance) for one in found.metrics} == {
        "acc": (50, 0.0, 0.0),
        "macro_f1": (50, 0.0, pytest.approx(0, abs=1e-20)),
    }
    assert not found.left_out
    (left_out,) = calibrate(records).left_out
    assert (left_out.metric, "--include" in left_out.why) == ("macro_f1", True)


def test_a_plan_says_what_an_unchanged_model_needs(noisy: list[Path], tmp_path: Path) -> None:
    file = calibrated(noisy, tmp_path)
    done = call("gate", "plan", "--baseline", noisy[0], "--margin", "0.05", "--calibration", file)
    assert done.code == 0, done.err
    assert "the same model" in done.out
    assert "(2.83 %)" in done.out
    assert "the same model" not in call("gate", "plan", "--baseline", noisy[0], "--margin", "0.05").out
    other = with_engine(noisy[0], tmp_path, lambda m: m["hardware"].update(cpu="Another"))
    said = call("gate", "plan", "--baseline", other, "--calibration", file).sentence()
    assert "the calibration is of another engine than the baseline" in said
