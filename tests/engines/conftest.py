"""Runs of small tasks on engines in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import GENERATE, QUESTIONS, write_task, write_tasks


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say`, `read`, and `talk`, which has stop strings in a chat, too."""
    folder = write_tasks(tmp_path_factory.mktemp("tasks"))
    write_task(folder, "talk", QUESTIONS, **{**GENERATE, "chat_stop": ["\n", "cat"]})
    return folder


@pytest.fixture(autouse=True)
def _own_machine(own_cache: Path) -> None:
    """Every test has its own cache."""
