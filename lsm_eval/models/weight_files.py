"""Finds which files of a checkpoint folder the weights are read from, and how many weights they contain."""

from __future__ import annotations

import json
import math
import re
import warnings
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

_WHOLE_THEN_SHARDS = ("model.safetensors", "pytorch_model.bin")
"""transformers' order of formats; for each, a single file is preferred to an index of shards."""
_BUFFER = re.compile(r"(rotary_emb\.inv_freq|position_ids|(attn|attention)\.masked_bias)$")
_MASK = re.compile(r"(attn|attention)\.bias$")
"""A causal mask if it has several dimensions, as in old checkpoints of GPT-2."""
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out)\.weight$")
_EMBEDDING = re.compile(r"(^|\.)(embed_tokens|wte|word_embeddings|embed_in|shared)\.weight$")


def weight_files(folder: Path) -> list[str]:
    """Names, relative to `folder`, of the files that transformers reads the weights from: one file, or an index and its
    shards. Empty if there are none. Files that an index names may be missing."""
    named = _object(folder / "config.json").get("transformers_weights")
    if isinstance(named, str) and (folder / named).is_file():
        return _with_shards(folder, named)
    for name in _WHOLE_THEN_SHARDS:
        for found in (name, f"{name}.index.json"):
            if (folder / found).is_file():
                return _with_shards(folder, found)
    return []


def check_weight_files(folder: Path) -> None:
    """Raises `UserError` for an index of shards that names none or missing ones, and for a PyTorch file with anything but
    tensors."""
    names = weight_files(folder)
    index, *shards = names or [""]
    if index.endswith(".index.json") and not shards:
        raise UserError(f"{folder}: {index} names no weights files; fetch the checkpoint again.")
    absent = [name for name in shards if not (folder / name).is_file()]
    if absent:
        raise UserError(
            f"{folder}: {len(absent)} of the {len(shards)} weights files that {index} names (such as {absent[0]}) are "
            "not there; fetch the checkpoint again."
        )
    for name in names:
        if name.endswith((".json", ".safetensors")):
            continue
        try:
            tensor_shapes(folder / name)
        except ValueError as error:
            raise UserError(
                f"{folder}: {name} is damaged, or holds something other than tensors, and is refused: such a file can "
                "run a program when it is read; take a checkpoint in safetensors, or fetch this one again."
            ) from error


def wanted_weights(folder: Path) -> list[str]:
    """Patterns of the safetensors files to fetch from a repository whose JSON files are in `folder`."""
    named = _object(folder / "config.json").get("transformers_weights")
    found = ["model.safetensors", *([named] if isinstance(named, str) else [])]
    return [*found, *_shards(folder / "model.safetensors.index.json")]


def wanted_pickles(folder: Path) -> list[str]:
    """The same for PyTorch's files, if there are no safetensors."""
    return ["pytorch_model.bin", *_shards(folder / "pytorch_model.bin.index.json")]


def stored_parameters(folder: Path, *, tied: bool) -> int | None:
    """Number of weights in the files that are read, from their headers; None if they cannot be read.

    `tied`: head and embedding are tied and count once, even if they are stored twice. Buffers (rotary frequencies, causal
    masks) do not count.
    """
    names = [name for name in weight_files(folder) if not name.endswith(".json")]
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        for name in names:
            shapes |= tensor_shapes(folder / name)
    except ValueError:  # loading the weights will report the fault
        return None
    embeddings = {shape for name, shape in shapes.items() if _EMBEDDING.search(name)}
    weights = [
        math.prod(shape)
        for name, shape in shapes.items()
        if not _BUFFER.search(name)
        and not (_MASK.search(name) and len(shape) > 1)
        and not (tied and _HEAD.search(name) and shape in embeddings)
    ]
    return sum(weights) if names else None


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a weights file, by name; no tensor is read, and of those that share memory only one is
    returned. Raises ValueError for a file that is damaged, cannot be read, or contains anything but tensors."""
    try:
        return _safetensors(path) if path.name.endswith(".safetensors") else _pickled(path)
    except Exception as error:  # each format raises its own exceptions
        raise ValueError(f"{path.name} holds no tensors that can be read") from error


def _safetensors(path: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in list(file.keys())}


def _pickled(path: Path) -> dict[str, tuple[int, ...]]:
    import torch

    found: dict[str, tuple[int, ...]] = {}
    seen = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="meta", weights_only=True)
    for name, tensor in content.items():
        if not isinstance(tensor, torch.Tensor):
            continue
        view = (tensor.untyped_storage()._cdata, tensor.storage_offset(), tuple(tensor.shape))
        if view not in seen:
            found[str(name)] = tuple(tensor.shape)
        seen.add(view)
    return found


def _with_shards(folder: Path, name: str) -> list[str]:
    return [name, *_shards(folder / name)] if name.endswith(".index.json") else [name]


def _shards(index: Path) -> list[str]:
    places = _object(index).get("weight_map")
    return sorted({str(name) for name in places.values()}) if isinstance(places, dict) else []


def _object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
