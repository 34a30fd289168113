"""Environments that hold an engine, named by variables."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _python_with(module: str, variable: str) -> Path:
    """A Python with lsm-eval and `module`: the one that the variable names, or this one; the test is skipped without."""
    named = os.environ.get(variable)
    if named is None:
        if importlib.util.find_spec(module) is None:
            pytest.skip(
                f"needs {module}: name a Python that has it and lsm-eval's dependencies by {variable}"
            )
        return Path(sys.executable)
    found = subprocess.run(
        [named, "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)"],
        check=False,
    )
    if found.returncode != 0:
        pytest.skip(f"{variable} names {named}, which has no {module}")
    return Path(named)


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """A Python that has vLLM and what lsm-eval depends on."""
    return _python_with("vllm", "LSM_EVAL_VLLM_PYTHON")


@pytest.fixture(autouse=True)
def _own_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""
