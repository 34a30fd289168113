"""docs/scale.md: the script for SLURM and the job for Kubernetes do what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from command_line import call, environment

WHOLE = ("run", "--tasks", "quickstart_bias", "--model", "builtin:first", "--store", "none", "--offline")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, one_thread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def page(repo: Path) -> str:
    return (repo / "docs/scale.md").read_text(encoding="utf-8")


@pytest.fixture
def path(tmp_path: Path, repo: Path) -> str:
    """A PATH with the command `lsm-eval`."""
    program = tmp_path / "bin" / "lsm-eval"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{repo}" exec "{sys.executable}" -P -m lsm_eval "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


def same_numbers(record: Path) -> None:
    """The record is that of one process: estimates and samples to the last byte."""
    whole = call(*WHOLE, "--out", "whole")
    assert whole.code == 0, whole.err
    for name in ("estimates.json", "samples/quickstart_bias.parquet"):
        assert (record / name).read_bytes() == (whole.record / name).read_bytes()


def test_the_script_for_slurm(page: str, path: str, tmp_path: Path) -> None:
    (script,) = blocks(page, "bash")
    array = re.search(r"^#SBATCH --array=(\d+)-(\d+)$", script, re.MULTILINE)
    assert array is not None
    first, last = map(int, array.groups())
    (tmp_path / "shards.sbatch").write_text(script)
    for index in range(first, last + 1):
        env = environment(
            PATH=path,
            SLURM_ARRAY_TASK_ID=str(index),
            SLURM_ARRAY_TASK_MIN=str(first),
            SLURM_ARRAY_TASK_MAX=str(last),
            SLURM_ARRAY_TASK_COUNT=str(last - first + 1),
        )
        done = subprocess.run(["bash", "shards.sbatch"], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert f"shard {index - first + 1}/{last - first + 1}: " in done.stdout
    (merging,) = re.findall(r'^sbatch .* --wrap "(.*)"$', page, re.MULTILINE)
    done = subprocess.run(
        ["bash", "-c", merging], env=environment(PATH=path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    same_numbers(Path(done.stdout.strip().splitlines()[-1].removeprefix("record: ")))


@pytest.fixture
def job(page: str) -> dict[str, Any]:
    (text,) = blocks(page, "yaml")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_the_job_fits_its_schema(job: dict[str, Any], repo: Path) -> None:
    schema = json.loads((repo / "tests/website/job.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(job)
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["parallelism"] <= spec["completions"]
    # What Kubernetes says of these beyond the form of each field.
    assert pod["restartPolicy"] == "Never", "backoffLimitPerIndex wants it"
    assert spec["maxFailedIndexes"] <= spec["completions"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {
        mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]
    } == volumes


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job.update(apiVersion="batch/v1beta1"),
        lambda job: job["spec"].update(completionsMode="Indexed"),
        lambda job: job["spec"].update(completions="4"),
        lambda job: job["spec"]["template"]["spec"].update(restartPolicy="Always"),
        lambda job: job["spec"]["template"]["spec"]["containers"][0].update(args="--shard auto/4"),
        lambda job: job["spec"]["template"]["spec"]["containers"][0]["args"].append(4),
    ],
)
def test_another_job_does_not(job: dict[str, Any], repo: Path, change: Any) -> None:
    schema = json.loads((repo / "tests/website/job.schema.json").read_text(encoding="utf-8"))
    change(job)
    assert not jsonschema.Draft202012Validator(schema).is_valid(job)


def test_the_pods_of_the_job(job: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    completions = job["spec"]["completions"]
    words = [*container["command"], *container["args"]]
    assert words[0] == "lsm-eval"
    for index in range(completions):
        monkeypatch.setenv("JOB_COMPLETION_INDEX", str(index))
        done = call(*words[1:])
        assert done.code == 0, done.err
        assert f"shard {index + 1}/{completions}: " in done.out
    monkeypatch.delenv("JOB_COMPLETION_INDEX")
    done = call("merge", "-o", "reports", *sorted(Path("reports/shards").iterdir()))
    assert done.code == 0, done.err
    same_numbers(done.record)
