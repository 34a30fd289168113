"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


def _shared(part: str) -> Path:
    folder = Path(os.environ.get("LSM_EVAL_SHARED", REPO.parent / "shared")) / part
    if not folder.is_dir():
        pytest.skip(
            f"needs real data in {folder} (set LSM_EVAL_SHARED to its parent); a clone alone has none"
        )
    return folder


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
def golden() -> Path:
    """Published model outputs with their published scores; the test is skipped where it is missing."""
    return _shared("golden")


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama without a chat template: loads in milliseconds, knows nothing."""
    from tiny_models import save_model

    return save_model(tmp_path_factory.mktemp("checkpoints") / "tiny-llama")
