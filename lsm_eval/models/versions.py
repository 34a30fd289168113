"""Versions of the packages that compute a checkpoint's answers: with other versions, stored answers are not used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

_PACKAGES = ("torch", "transformers", "tokenizers", "jinja2", "sentencepiece", "tiktoken")


def deciding_versions(device: str, *, adapter: bool, more: Sequence[str] = ()) -> dict[str, str]:
    """Versions by package, including those of `more` that are installed, and the name of the CUDA device (another one rounds differently)."""
    found = {}
    for name in (*_PACKAGES, *(["peft"] if adapter else []), *more):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if device.startswith("cuda"):
        import torch

        found["device"] = torch.cuda.get_device_name(device)
    return found
