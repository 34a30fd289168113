"""The numbers of lm-evaluation-harness 0.4.13 on the same checkpoint and data, on a few samples a task."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from parity_env import peer_python

from lsm_eval.errors import UserError
from lsm_eval.models.builtin import checkpoint


@pytest.fixture(scope="session")
def peer_env() -> Path:
    """An environment with lm-eval; LSM_EVAL_PEER_ENV names one, else it is made in the user's cache folder."""
    named = os.environ.get("LSM_EVAL_PEER_ENV")
    try:
        python = peer_python(Path(named) if named else None, print)
        checkpoint("smollm2-135m")
    except UserError as error:
        pytest.skip(f"needs lm-eval and the built-in model: {error}")
    return python.parent.parent


@pytest.mark.slow
def test_numbers_are_those_of_the_harness(repo: Path, hub_mirror: Path, peer_env: Path) -> None:
    command = [sys.executable, str(repo / "benchmarks" / "parity.py"), "--limit", "2"]
    command += ["--tasks", "hellaswag,arc_easy,truthfulqa_mc1,truthfulqa_mc2,lambada,gsm8k,arc_easy_chat"]
    command += ["--data-mirror", str(hub_mirror), "--peer-env", str(peer_env)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    rows = [line for line in done.stdout.splitlines() if line.endswith("| same |")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == command[
        command.index("--tasks") + 1
    ].split(",")
    assert all(row.split(" | ")[1] == "2" for row in rows)
