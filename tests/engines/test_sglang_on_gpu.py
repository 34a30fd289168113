"""SGLang itself against the transformers backend on a GPU, on a tiny random Llama in float32. Where this was written there was no
GPU, so that neither these tests nor their tolerance have been tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_pairs import ask, compare
from tiny_models import CHAT, save_model

TOKEN = 5e-3
"""Largest difference of a token's log-probability. SGLang lets products of float32 use TF32, whose numbers have ten bits."""
HERE = {"device": "cuda:0", "dtype": "float32"}

pytestmark = pytest.mark.slow


def test_answers_are_those_of_transformers(tmp_path: Path, sglang_python: Path) -> None:
    folder = save_model(tmp_path / "tiny", chat=CHAT, head_dim=32, context=192)
    ours = ask(sglang_python, f"hf:{folder}", environment={}, **HERE)
    theirs = ask(sglang_python, f"sglang:{folder}", environment={}, batch_tokens=256, **HERE)
    compare(ours, theirs, "sglang", {"sglang"}, TOKEN)
    assert theirs["details"]["engine"].startswith("SGLang ")
