"""Finds unused weights of a checkpoint that belong to layers beyond its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_WRAPPED = re.compile(r"((module|model|base_model|language_model|text_model|transformer)\.)+")


def beyond_the_model(model: Any, config: Any, names: Iterable[str]) -> dict[str, int]:
    """Those of `names` that belong to a layer (or an expert) after the model's last one, each with the number of such layers
    that the model has.

    Layers for multi-token prediction are not included, as configurations count them separately
    (`num_nextn_predict_layers`).
    """
    from torch.nn import ModuleList, Sequential

    stacks = {
        name: len(module)
        for name, module in model.named_modules()
        if isinstance(module, (ModuleList, Sequential))
    }
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    predicting = getattr(text, "num_nextn_predict_layers", None)
    layers = getattr(text, "num_hidden_layers", None)
    found = {}
    for name in names:
        parts = name.split(".")
        for at, part in enumerate(parts):
            if not part.isdecimal():
                continue
            size = max(_sizes(stacks, ".".join(parts[:at])), default=-1)
            announced = predicting if isinstance(predicting, int) and size == layers else 0
            if size >= 0 and int(part) >= size + announced:
                found[name] = size
                break
    return found


def _sizes(stacks: dict[str, int], path: str) -> list[int]:
    """Lengths of the stacks of layers at `path`, which may lack the model's own prefix or have an additional one."""
    if path in stacks:
        return [stacks[path]]
    bare = _WRAPPED.match(path)
    short = path[bare.end() :] if bare else path
    return [size for name, size in stacks.items() if name == short or name.endswith(f".{short}")]
