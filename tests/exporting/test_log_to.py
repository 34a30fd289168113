"""Runs told to trackers of experiments."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from command_line import Runner, write_tasks

from lsm_eval.exporting.loggers.facts import facts
from lsm_eval.results.reader import read_record

RECORDER = """
import json, os
def _write(name, value):
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps([name, value]) + "\\n")
def init(project, name, config): _write("init", [project, name, config])
def log(metrics):
    if os.environ.get("FAIL"): raise RuntimeError("no server at https://me:hunter22@example.org")
    _write("log", metrics)
def finish(): _write("finish", None)
"""


@pytest.fixture
def run(tiny_llama: Path, tmp_path: Path) -> Runner:
    return Runner(tiny_llama, write_tasks(tmp_path / "tasks"), tmp_path / "reports")


@pytest.fixture
def trackio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in trackio's place that writes down what it is told."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "trackio.py").write_text(RECORDER)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setenv("TOLD", str(tmp_path / "told.jsonl"))
    monkeypatch.delitem(sys.modules, "trackio", raising=False)
    return tmp_path / "told.jsonl"


def test_numbers_and_facts_without_texts(record: Path) -> None:
    own = read_record(record)
    told = facts(own.manifest, own.estimates)
    for row in own.estimates:
        name = f"{row.task}/{row.metric}"
        assert told.metrics[name] == row.value
        for part in ("low", "high", "stderr", "n", "missing"):
            value = getattr(row, part)
            assert told.metrics.get(f"{name}/{part}") == value
    assert told.parameters["model"] == own.manifest.model.name
    assert told.parameters["task/choose/data_sha256"] == own.tasks["choose"].dataset.sha256
    assert "speed/generate/sequence_p50_seconds" in told.metrics
    every = json.dumps([told.parameters, told.metrics])
    assert "what is 1 and 1" not in every
    assert "unmentionable" not in every


def test_names_that_trackers_do_not_take(record: Path) -> None:
    own = read_record(record)
    (row, *_) = own.estimates
    rows = [row.model_copy(update={"metric": name}) for name in ("acc[Age, young]", "acc[Age; young]", "β")]
    names = [
        name
        for name in facts(own.manifest, rows).metrics
        if name.startswith("choose") and name.count("/") == 1
    ]
    assert names[:2] == ["choose/acc_Age_young", "choose/acc_Age_young_2"]
    assert all(name.isascii() for name in names)


@pytest.mark.parametrize("tracker", ["mlflow", "wandb", "trackio"])
def test_one_that_is_not_installed_is_refused_before_anything(run: Runner, tracker: str) -> None:
    if importlib.util.find_spec(tracker) is not None:
        pytest.skip(f"{tracker} is installed")
    said = run("--log-to", tracker).sentence()
    assert said.endswith(f"pip install 'lsm-eval[{tracker}]'.")
    assert not run.out.exists()


def test_a_run_is_logged(run: Runner, trackio: Path) -> None:
    done = run("--log-to", "trackio", "--store", "none")
    assert done.code == 0, done.err
    told = [json.loads(line) for line in trackio.read_text().splitlines()]
    assert [name for name, _ in told] == ["init", "log", "finish"]
    own = read_record(done.record)
    project, name, config = told[0][1]
    assert (project, name) == ("lsm-eval", own.manifest.run)
    assert config["fingerprint"] == own.manifest.model.fingerprint
    assert told[1][1]["choose/acc"] == own.estimates[0].value


def test_a_tracker_that_fails_loses_no_record(
    run: Runner, trackio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL", "1")
    done = run("--log-to", "trackio", "--store", "none")
    assert done.code == 2
    assert read_record(done.record).estimates
    assert "could not be logged to trackio" in done.err
    assert "its record is whole" in done.err
    assert "hunter22" not in done.err


def test_mlflow_itself(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    done = run("--log-to", "mlflow", "--store", "none")
    assert done.code == 0, done.err
    (found,) = mlflow.search_runs(experiment_names=["lsm-eval"], output_format="list")
    own = read_record(done.record)
    assert found.data.metrics["choose/acc"] == own.estimates[0].value
    assert found.data.params["model"] == own.manifest.model.name
