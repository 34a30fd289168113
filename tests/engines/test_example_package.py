"""The example of a backend of another package is built, installed and run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import spawn, write_tasks

from lsm_eval.results.reader import read_record

EXAMPLE = "lsm-eval-backend-example"


@pytest.fixture(scope="module")
def installed(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the example is installed in, from its wheel, without a network."""
    pytest.importorskip("hatchling", reason="needs hatchling: pip install hatchling")
    root = tmp_path_factory.mktemp("example")
    project = shutil.copytree(repo / "examples" / EXAMPLE, root / "project")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    made = subprocess.run(
        [*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", str(root / "dist"), str(project)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (wheel,) = (root / "dist").glob("*.whl")
    target = root / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    return target


@pytest.mark.slow
def test_it_answers_every_kind_of_request(
    installed: Path, repo: Path, own_cache: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("is it the cat? the cat sat on the mat, and the dog sat on the log\n" * 3)
    env = {"PYTHONPATH": str(installed), "LSM_EVAL_CACHE": str(own_cache)}
    named: list[str | Path] = [
        "run",
        "--tasks",
        "choose,say,read",
        "--include",
        write_tasks(tmp_path / "tasks"),
        "--out",
        tmp_path / "reports",
    ]
    done = spawn(*named, "--model", f"example:{text}", env=env, cwd=repo)
    assert done.code == 0, done.err
    manifest = json.loads((done.record / "manifest.json").read_text())
    assert manifest["model"]["name"] == "example:text.txt"
    assert manifest["requests"]["failed"] == 0
    record = read_record(done.record)
    assert record.samples("say")["completion"].to_pylist()[0].startswith(" the")
    values = {(row.task, row.metric): row.value for row in record.estimates}
    assert values["read", "byte_perplexity"] is not None
    assert 1 < values["read", "byte_perplexity"] < 256
    again = spawn(*named, "--model", f"example:{text}", env=env, cwd=repo)
    assert json.loads((again.record / "manifest.json").read_text())["requests"]["computed"] == 0
    assert (
        "example:none: no such file" in spawn(*named, "--model", "example:none", env=env, cwd=repo).sentence()
    )
    refused = spawn(
        *named, "--model", f"example:{text}", "--quantize", "int8", "--threads", "2", env=env, cwd=repo
    )
    assert "--quantize, --threads has no meaning for --model example:FILE" in refused.sentence()


@pytest.mark.slow
def test_its_class_is_a_model_to_a_type_checker(repo: Path, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="needs mypy")
    module = repo / "examples" / EXAMPLE / "lsm_eval_backend_example.py"
    check = tmp_path / "check.py"
    check.write_text(
        "from lsm_eval_backend_example import make\nfrom lsm_eval.models.base import Model, ModelOptions\n\n"
        "model: Model = make('x', ModelOptions())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", str(module), str(check)],
        cwd=repo, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
