"""The device and dtype of a run's weights, from the options."""

from __future__ import annotations

from typing import Any

from lsm_eval.errors import UserError

_DTYPES = ("float32", "bfloat16", "float16")


def resolve_device(device: str) -> str:
    """The device to use, with `auto` resolved. Raises `UserError` for one that this machine lacks."""
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind == "cpu" and not index:
        return device
    if kind == "mps" and not index:
        if torch.backends.mps.is_available():
            return device
        raise UserError("--device mps: this machine has no Apple GPU that PyTorch can use; try --device cpu.")
    if kind == "cuda" and (not index or index.isdecimal()):
        count = torch.cuda.device_count()
        if int(index or 0) < count:
            return f"cuda:{index or 0}"
        have = f"only {count} CUDA device(s)" if count else "no CUDA device that PyTorch can use"
        raise UserError(f"--device {device}: this machine has {have}; try --device auto.")
    raise UserError(f"--device {device}: no such device; use auto, cpu, cuda, cuda:0 or mps.")


def resolve_dtype(dtype: str, device: str, config: Any) -> str:
    """The weights' dtype, with `auto` resolved: float32 on a CPU (the fastest there), otherwise the checkpoint's own."""
    if dtype == "auto":
        own = str(getattr(config, "dtype", None) or "float32").removeprefix("torch.")
        return "float32" if device == "cpu" or own not in _DTYPES else own
    if dtype not in _DTYPES:
        raise UserError(f"--dtype {dtype}: unknown; use auto, {', '.join(_DTYPES)}.")
    return dtype
