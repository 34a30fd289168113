"""Converts a llama.cpp model file (GGUF: a Llama or a Gemma 3) to an ordinary float32 checkpoint folder.

`transformers` loads the folder with plain `from_pretrained`: nothing in it says that the weights were quantised, as after
this conversion they no longer are. Format: the GGUF specification of ggml
(docs/gguf.md) and the safetensors format (8 bytes of header length, a JSON header, the tensors end to end).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.gguf_architectures import ARCHITECTURES, TOP, Architecture
from lsm_eval.models.gguf_tokenizer import write_tokenizer

WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Conversion:
    """The result of `convert`."""

    parameters: int
    """Number of weights (tied embeddings once)."""
    quantisation: str
    """The file's main quantisation type by ggml's name, such as `Q4_1`."""
    weights_sha256: str
    """SHA-256 (hex) of the `model.safetensors` written."""


def convert(gguf: Path, folder: Path, say: Callable[[str], None] = lambda line: None) -> Conversion:
    """Write config, generation config, weights (float32) and tokenizer of the file `gguf` into `folder`.

    `folder` must exist; `say` is told now and then how far the weights are. Raises `UserError` for a file that
    is damaged or holds anything but one of `ARCHITECTURES` with a tokenizer known here, and `OSError` where writing
    fails.
    """
    reader, metadata, architecture = _read(gguf)
    config = architecture.config(metadata, all(tensor.name != "output.weight" for tensor in reader.tensors))
    weights = [_Weight.of(tensor, architecture, config) for tensor in reader.tensors]
    embedding = next((weight.shape for weight in weights if weight.name == TOP["token_embd"]), None)
    tokens = len(metadata["tokenizer.ggml.tokens"])
    if embedding != (config["vocab_size"], config["hidden_size"]) or tokens != config["vocab_size"]:
        raise UserError(
            f"{gguf} is damaged: its vocabulary and its embeddings differ in size; fetch it again"
        )
    ids = {key: config[key] for key in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", {"_from_model_config": True, **ids})
    write_tokenizer(metadata, folder, max_length=config["max_position_embeddings"])
    digest = _write_weights(weights, folder / WEIGHTS, say)
    return Conversion(
        parameters=sum(weight.size for weight in weights),
        quantisation=_quantisation(metadata),
        weights_sha256=digest,
    )


@dataclass(frozen=True, slots=True)
class _Weight:
    """One tensor: its name for transformers, its shape, and how to get its float32 values."""

    name: str
    shape: tuple[int, ...]
    tensor: Any
    rotary_heads: int | None
    """Number of heads, if llama.cpp has reordered the rows for its own rotary embedding; otherwise None."""
    offset: float
    """The number that llama.cpp has added."""

    @classmethod
    def of(cls, tensor: Any, architecture: Architecture, config: Mapping[str, Any]) -> _Weight:
        top = re.fullmatch(r"(\w+)\.weight", tensor.name)
        block = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", tensor.name)
        if top and top[1] in TOP:
            name = TOP[top[1]]
        elif block and block[2] in architecture.block:
            name = f"model.layers.{block[1]}.{architecture.block[block[2]]}.weight"
        else:
            raise UserError(
                f"the GGUF file holds {tensor.name!r}, which no plain {architecture.title} has; use another file"
            )
        shape = tuple(int(n) for n in reversed(tensor.shape))
        heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
        rotary = heads.get(block[2]) if block and architecture.interleaved else None
        offset = architecture.norm_offset if name.endswith("norm.weight") else 0.0
        return cls(name, shape, tensor, rotary, offset)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    def values(self) -> Any:
        """The weights, dequantised: float32 array of shape `self.shape`."""
        import numpy as np
        from gguf.quants import dequantize

        values = dequantize(self.tensor.data, self.tensor.tensor_type).astype("<f4", copy=False)
        if self.offset:
            values = values - np.float32(self.offset)
        if self.rotary_heads is not None:
            # llama.cpp interleaves the two halves of each head's rows; transformers keeps them apart.
            pairs = values.reshape(self.rotary_heads, -1, 2, *values.shape[1:])
            values = pairs.swapaxes(1, 2)
        return np.ascontiguousarray(values).reshape(self.shape)


def _read(gguf: Path) -> tuple[Any, dict[str, Any], Architecture]:
    """The reader (tensors stay on disk until asked for), the file's metadata as plain Python values, and what
    kind of model it holds."""
    from gguf import GGUFReader

    try:
        reader: Any = GGUFReader(str(gguf))
        metadata: dict[str, Any] = {key: field.contents() for key, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise UserError(
            f"{gguf} is damaged or no GGUF file ({error}); delete it and fetch it again"
        ) from error
    architecture = ARCHITECTURES.get(metadata.get("general.architecture", ""))
    if architecture is None:
        raise UserError(
            f"{gguf} is no {' or '.join(known.title for known in ARCHITECTURES.values())} "
            f"({metadata.get('general.architecture')}); only these can be converted"
        )
    missing = [key for key in architecture.needed if key not in metadata]
    if missing:
        raise UserError(f"{gguf} lacks {', '.join(missing)} in its metadata; use another file")
    return reader, metadata, architecture


def _quantisation(metadata: Mapping[str, Any]) -> str:
    from gguf import LlamaFileType

    try:
        name: str = LlamaFileType(int(metadata.get("general.file_type", -1))).name
    except ValueError:
        return "unknown"
    return name.removeprefix("MOSTLY_").removeprefix("ALL_")


def _write_weights(weights: list[_Weight], path: Path, say: Callable[[str], None]) -> str:
    """Writes one tensor after another, so that only one is in memory. Returns the file's SHA-256 (hex)."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for weight in weights:
        start, end = end, end + 4 * weight.size
        header[weight.name] = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": [start, end]}
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-(8 + len(head)) % 64)  # the tensors start on a cache line: mapped, they need no copy
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for number, weight in enumerate(weights):
            if number % 64 == 0:
                say(f"converting weights: {number} of {len(weights)} tensors")
            data = weight.values()
            parts = (data,) if number else (len(head).to_bytes(8, "little"), head, data)
            for part in parts:
                file.write(part)
                digest.update(part)
    return digest.hexdigest()


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
