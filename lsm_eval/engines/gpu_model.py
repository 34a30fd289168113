"""A checkpoint run by an engine that is built for one kind of device, and that splits the weights over several GPUs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lsm_eval.engines.checkpoint_model import CheckpointEngineModel
from lsm_eval.engines.settings import EngineSettings
from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.configuration import text_config


class GpuEngineModel(CheckpointEngineModel):
    """The common part of such engines."""

    def __init__(self, name: str, options: ModelOptions, *, kind: str, **rest: Any) -> None:
        """`kind`: `cpu` or `cuda`, as the engine was built. Raises `UserError` for another `--device`."""
        device = options.device
        if device not in ("auto", kind, f"{kind}:0"):
            raise UserError(
                f"--device {device}: this {self.ENGINE} is built for {kind}; leave --device out"
                + (", and choose GPUs with the variable CUDA_VISIBLE_DEVICES." if kind == "cuda" else ".")
            )
        self._every_device = kind != "cpu" and device == "auto"
        super().__init__(name, replace(options, device="cpu" if kind == "cpu" else "cuda:0"), **rest)

    def settings(self, folder: Path, ends: tuple[int, ...]) -> EngineSettings:
        """The engine's settings for the weights in `folder`; `ends`: tokens that end a text."""
        return EngineSettings(
            folder,
            self.device.partition(":")[0],
            self.dtype,
            self.context,
            devices=self._devices(),
            batch_tokens=self.options.batch_tokens,
            trust_remote_code=self.options.trust_remote_code,
            ends=ends,
        )

    def _devices(self) -> int:
        """The number of GPUs to split the weights over: the most visible ones that divide the attention heads evenly."""
        if not self._every_device:
            return 1
        import torch

        heads = getattr(text_config(self.config), "num_attention_heads", 1)
        return max(n for n in range(1, max(torch.cuda.device_count(), 1) + 1) if heads % n == 0)
