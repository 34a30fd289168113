"""Files that the tools write now, where they are installed: the formats are theirs and can change."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_models import save_model

from lsm_eval.importing.importing import import_file
from lsm_eval.recount.check import check_record

MADE_BY = Path(__file__).parent / "files" / "made_by"


def tool(*command: str, folder: Path) -> None:
    """Run a tool of another package, without the network."""
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HOME": str(folder / "cache"),
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("lm_eval") is None, reason="lm-eval is not installed")
def test_lm_eval(tmp_path: Path) -> None:
    shutil.copytree(MADE_BY / "tasks", tmp_path / "tasks")
    save_model(tmp_path / "nobody" / "tiny")
    tool(
        "-m", "lm_eval", "--model", "hf", "--model_args", "pretrained=nobody/tiny,dtype=float32", "--tasks",
        "small,sums", "--include_path", "tasks", "--output_path", "out", "--log_samples", "--device", "cpu",
        "--batch_size", "1", "--seed", "7", folder=tmp_path,
    )  # fmt: skip
    path = next((tmp_path / "out").glob("*/results_*.json"))
    made = import_file(path, tmp_path / "records")
    assert check_record(made.record).problems == ()
    results = json.loads(path.read_text())["results"]
    told = [row.imported["value"] for row in made.estimates if row.imported]
    assert told == [v for r in results.values() for k, v in r.items() if "," in k and "_stderr," not in k]
    assert sum(row.low is not None for row in made.estimates) == 6


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("inspect_ai") is None, reason="inspect-ai is not installed")
def test_inspect(tmp_path: Path) -> None:
    for name in ("inspect_tasks.py", "inspect_logs.py"):
        shutil.copy(MADE_BY / name, tmp_path)
    tool("inspect_logs.py", folder=tmp_path)
    logs = sorted((tmp_path / "logs").iterdir())
    assert len(logs) == 4
    for path in logs:
        made = import_file(path, tmp_path / "records")
        assert check_record(made.record).problems == ()
        assert not any(row.imported and row.imported["differs"] for row in made.estimates)
