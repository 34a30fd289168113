"""A tiny checkpoint, in process and behind servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from scoring_server import Weights
from tiny_models import CHAT, save_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.hf import HFModel

CONTEXT = 128


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder. Heads are as wide as vLLM's attention on CPUs wants them."""
    return save_model(tmp_path_factory.mktemp("small"), chat=CHAT, context=CONTEXT, head_dim=32)


@pytest.fixture(scope="session")
def weights(checkpoint: Path) -> Weights:
    """Behind servers."""
    return Weights(checkpoint)


@pytest.fixture(scope="session")
def near(checkpoint: Path) -> HFModel:
    """In process."""
    return HFModel("hf:small", ModelOptions(), folder=checkpoint)
