"""`sglang:MODEL`: a checkpoint run by SGLang's offline engine, on GPUs of NVIDIA."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lsm_eval.engines.gpu_model import GpuEngineModel
from lsm_eval.engines.sglang.engine import SglangEngine
from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions


class SglangModel(GpuEngineModel):
    """A checkpoint run by SGLang."""

    ENGINE = "SGLang"
    VERSION = 1
    PACKAGES = ("sglang",)

    def __init__(self, name: str, options: ModelOptions, **rest: Any) -> None:
        """Raises `UserError` if SGLang cannot run here, or cannot honour an option."""
        self.check_installed(name)
        super().__init__(name, options, kind="cuda", **rest)

    @classmethod
    def check_installed(cls, name: str) -> None:
        """See `CheckpointEngineModel.check_installed`."""
        found = find_spec("sglang")
        if found is None or found.origin is None:  # a folder of that name has no origin
            raise UserError(
                f"--model {name} needs the package sglang, which brings its own PyTorch, and a GPU of NVIDIA: in a separate environment, "
                f"pip install 'lsm-eval[sglang]'; or {_server(name)}."
            )
        import torch

        if not torch.cuda.is_available() or torch.version.cuda is None:
            raise UserError(
                f"--model {name}: SGLang needs a GPU of NVIDIA, and PyTorch finds none that it can use here: on a machine that has one, "
                f"{_server(name)}."
            )

    def make_engine(self, folder: Path, ends: tuple[int, ...]) -> SglangEngine:
        """See `CheckpointEngineModel.make_engine`."""
        return SglangEngine(self.settings(folder, ends))


def _server(name: str) -> str:
    """How SGLang's server is started and asked instead."""
    named = name.partition(":")[2].removeprefix("hf:").partition("@")[0]
    model = "MODEL" if not named or named.startswith("builtin:") else named
    return (
        f"start its server with `python -m sglang.launch_server --model-path {model}`, and ask it with --model openai:{model} "
        "--base-url http://localhost:30000/v1"
    )
