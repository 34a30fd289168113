"""Which files weights are read from, and how many weights a model has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_models import edit_json, save_model

from lsm_eval.models.base import ModelOptions
from lsm_eval.models.create import create
from lsm_eval.models.weight_files import stored_parameters, wanted_pickles, wanted_weights, weight_files

COUNT = 36_000  # of the tiny Llama


@pytest.fixture
def folder(tiny_llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_llama, tmp_path / "llama"))


def weights_of(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def shard(folder: Path, weights: dict[str, Any], kind: str) -> list[str]:
    """The weights in two files with an index."""
    import torch
    from safetensors.torch import save_file

    names = sorted(weights)
    parts = {f"part-1{kind}": names[:8], f"part-2{kind}": names[8:]}
    for file, own in parts.items():
        content = {name: weights[name].clone() for name in own}
        if kind == ".bin":
            torch.save(content, folder / file)
        else:
            save_file(content, folder / file, metadata={"format": "pt"})
    index = "pytorch_model.bin.index.json" if kind == ".bin" else "model.safetensors.index.json"
    places = {name: file for file, own in parts.items() for name in own}
    (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return [index, *parts]


def parameters(folder: Path) -> int | None:
    return create(str(folder), ModelOptions()).info.parameters


def test_whole(folder: Path) -> None:
    assert weight_files(folder) == ["model.safetensors"]
    assert parameters(folder) == COUNT


@pytest.mark.parametrize("kind", [".safetensors", ".bin"])
def test_sharded(folder: Path, kind: str) -> None:
    names = shard(folder, weights_of(folder), kind)
    (folder / "model.safetensors").unlink()
    assert weight_files(folder) == names
    assert (wanted_weights if kind == ".safetensors" else wanted_pickles)(folder)[1:] == names[1:]
    assert parameters(folder) == COUNT


def test_what_stands_beside_the_weights_is_not_counted(folder: Path) -> None:
    shutil.copy(folder / "model.safetensors", folder / "consolidated.safetensors")
    shutil.copy(folder / "model.safetensors", folder / "model.fp16.safetensors")
    shard(folder, weights_of(folder), ".safetensors")
    shard(folder, weights_of(folder), ".bin")
    assert weight_files(folder) == ["model.safetensors"], "as transformers reads them"
    assert parameters(folder) == COUNT
    (folder / "model.safetensors").unlink()
    assert parameters(folder) == COUNT


def test_weights_that_pytorch_wrote_are_counted_once_where_they_are_tied(folder: Path) -> None:
    import torch

    weights = weights_of(folder)
    (folder / "model.safetensors").unlink()
    torch.save({**weights, "step": 3}, folder / "pytorch_model.bin")
    assert parameters(folder) == COUNT
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    torch.save(weights, folder / "pytorch_model.bin")
    assert stored_parameters(folder, tied=False) == COUNT - weights["lm_head.weight"].numel()


def test_a_tied_head_that_is_stored_too_counts_once(folder: Path) -> None:
    from safetensors.torch import save_file

    weights = weights_of(folder)
    head = weights["lm_head.weight"].numel()
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    edit_json(folder / "config.json", tie_word_embeddings=True)
    assert parameters(folder) == COUNT - head


def test_buffers_of_old_checkpoints_are_no_weights(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder = save_model(tmp_path / "gpt2", "gpt2")
    before = parameters(folder)
    weights = weights_of(folder)
    weights["transformer.h.0.attn.bias"] = torch.ones(1, 1, 64, 64)
    weights["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert parameters(folder) == before


def test_damaged_files_are_not_counted(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"x" * 100)
    assert parameters(folder) is None
    (folder / "model.safetensors").unlink()
    assert parameters(folder) is None
