"""Small tasks and a folder of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import write_tasks


@pytest.fixture(scope="session")
def small_tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tasks `choose`, `say` and `read`."""
    return write_tasks(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(autouse=True)
def _own_place(own_cache: Path, one_thread: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own cache, current folder, and one thread."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))  # what sets it must not last
