"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent

# Hundreds of processes import the same modules: what one of them has compiled is kept for the others.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Tables are as wide as a terminal that there is none of here; in processes of pytest-xdist readline tells of one.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)


def _shared(part: str) -> Path:
    folder = Path(os.environ.get("LSM_EVAL_SHARED", REPO.parent / "shared")) / part
    if not folder.is_dir():
        pytest.skip(
            f"needs real data in {folder} (set LSM_EVAL_SHARED to its parent); a clone alone has none"
        )
    return folder


@pytest.fixture(scope="module", autouse=True)
def _what_is_old_is_no_garbage() -> None:
    """A run that lets a model go looks for garbage: among all tests and all that they imported, that takes half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with `hub`, `data` and `golden`; the test is skipped where it is missing."""
    return _shared("")


@pytest.fixture(scope="session")
def hub_mirror() -> Path:
    """A mirror of real hub data; the test is skipped where it is missing."""
    return _shared("hub")


@pytest.fixture(scope="session")
def data_files() -> Path:
    """Data sets in their source's own files (for --data-files); the test is skipped where they are missing."""
    return _shared("data")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Published model outputs with their published scores; the test is skipped where it is missing."""
    return _shared("golden")


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama without a chat template: loads in milliseconds, knows nothing."""
    from tiny_models import save_model

    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny-llama")


@pytest.fixture
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of lsm-eval, so that a test finds no answers of another."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LSM_EVAL_CACHE", str(folder))
    monkeypatch.delenv("LSM_EVAL_DATA_MIRROR", raising=False)
    monkeypatch.delenv("LSM_EVAL_DATA_FILES", raising=False)
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: tiny models run faster so, and much faster where other work is under way."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of all kinds of pages, as a folder and as one file (`leaderboard/pictured_board.py`)."""
    from pictured_board import pictured_board

    return pictured_board(tmp_path_factory.mktemp("pictured"))
