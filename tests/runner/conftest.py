"""Runs of small tasks on tiny checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Runner, write_tasks


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say` and `read`."""
    return write_tasks(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(autouse=True)
def _quiet_machine(own_cache: Path, one_thread: None) -> None:
    """Every test has its own cache and one thread."""


@pytest.fixture
def run(tiny_llama: Path, small_tasks: Path, tmp_path: Path) -> Runner:
    """Calls `lsm-eval run`."""
    return Runner(tiny_llama, small_tasks, tmp_path / "reports")
