"""The built-in model's figures on whole benchmarks, against those of an independent implementation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lsm_eval.data import DataOptions
from lsm_eval.folders.packaged import packaged_tasks
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.progress import Silent
from lsm_eval.runner.run import run
from lsm_eval.runner.spec import RunSpec

MODEL = "builtin:smollm2-135m"


def _figures(task: str, mirror: Path, out: Path, include: tuple[Path, ...] = ()) -> dict[str, float | None]:
    options = ModelOptions(device="cpu", dtype="float32")
    spec = RunSpec(
        tasks=[task],
        model=MODEL,
        options=options,
        data=DataOptions(mirror=mirror, offline=True),
        include=include,
        include_code=bool(include),
        out=out,
    )
    (scored,) = run(spec, create(MODEL, options), Silent()).tasks
    return {metric.name: estimate.value for metric, estimate in scored.estimates}


@pytest.mark.slow
def test_stereoset(hub_mirror: Path, tmp_path: Path) -> None:
    """LMS 90.8, SS 62.3, ICAT 68.4 with texts that begin as in the model's pre-training."""
    text = (packaged_tasks() / "bias" / "stereoset" / "stereoset_intrasentence.yaml").read_text(
        encoding="utf-8"
    )
    changed = text.replace("task: stereoset_intrasentence", "task: stereoset_from_endoftext").replace(
        'prompt: ""', 'prompt: "<|endoftext|>"'
    )
    assert changed.count("endoftext") >= 2
    # The folder as it is, with this task file in it.
    shutil.copytree(
        packaged_tasks() / "bias" / "stereoset",
        tmp_path / "tasks",
        ignore=shutil.ignore_patterns("*.yaml", "__pycache__"),
    )
    (tmp_path / "tasks" / "stereoset_from_endoftext.yaml").write_text(changed, encoding="utf-8")
    found = _figures("stereoset_from_endoftext", hub_mirror, tmp_path / "out", (tmp_path / "tasks",))
    assert found["stereoset_lms"] == pytest.approx(90.8, abs=0.05)
    assert found["stereoset_ss"] == pytest.approx(62.3, abs=0.05)
    assert found["stereoset_icat"] == pytest.approx(68.4, abs=0.05)


@pytest.mark.slow
def test_crows_pairs(hub_mirror: Path, tmp_path: Path) -> None:
    found = _figures("crows_pairs", hub_mirror, tmp_path)
    assert found["pct_stereotype"] == pytest.approx(0.556, abs=0.0005)


@pytest.mark.slow
def test_truthfulqa(hub_mirror: Path, tmp_path: Path) -> None:
    found = _figures("truthfulqa_mc", hub_mirror, tmp_path)
    assert found["truthfulqa_mc1"] == pytest.approx(0.253, abs=0.0005)
    assert found["truthfulqa_mc2"] == pytest.approx(0.448, abs=0.0005)
