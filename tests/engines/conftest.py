"""Environments that hold an engine, named by variables, and small models for the engines."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llamacpp_models import CHAT as TURNS
from llamacpp_models import Make
from onnx_export import export
from tiny_gguf import write_gemma3
from tiny_models import CHAT, save_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create


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


@pytest.fixture(scope="session")
def sglang_python() -> Path:
    """A Python that has SGLang, a GPU for it, and what lsm-eval depends on."""
    python = _python_with("sglang", "LSM_EVAL_SGLANG_PYTHON")
    found = subprocess.run(
        [python, "-c", "import sys, torch; sys.exit(not torch.cuda.is_available())"], check=False
    )
    if found.returncode != 0:
        pytest.skip("needs a GPU of NVIDIA, which SGLang computes on")
    return python


@pytest.fixture(autouse=True)
def _own_machine(own_cache: Path, one_thread: None) -> None:
    """Own cache, one thread."""


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with a chat template."""
    return save_model(tmp_path_factory.mktemp("checkpoints") / "chatting", chat=CHAT, context=128)


@pytest.fixture(scope="session")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a graph."""
    return export(checkpoint, tmp_path_factory.mktemp("exported") / "decoder")


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Gemma 3 in float32 with a chat template."""
    changes: dict[str, Any] = {"tokenizer.chat_template": TURNS, "general.license": "CC0-1.0"}
    return write_gemma3(tmp_path_factory.mktemp("gguf") / "tiny.gguf", **changes)


@pytest.fixture
def make(gguf: Path) -> Iterator[Make]:
    """A model of the file, or of another, which is closed in the end."""
    made: list[Any] = []

    def run(path: Path = gguf, **options: Any) -> Any:
        model = create(f"llama.cpp:{path}", ModelOptions(**{"threads": 1, "slots": 2, **options}))
        made.append(model)
        return model

    yield run
    for model in made:
        model.release()
