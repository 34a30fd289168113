"""A llama.cpp model file (GGUF, Llama architecture) becomes an ordinary float32 checkpoint folder.

The folder is what `transformers` loads with plain `from_pretrained`: nothing in it says that the weights were
ever quantised, because after this one pass they no longer are. Format: the GGUF specification of ggml
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
from lsm_eval.models.gguf_tokenizer import write_tokenizer

WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What `convert` found and made."""

    parameters: int
    """Number of weights (tied embeddings once)."""
    quantisation: str
    """The file's main quantisation type by ggml's name, such as `Q4_1`."""
    weights_sha256: str
    """SHA-256 (hex) of the `model.safetensors` written."""


def convert(gguf: Path, folder: Path, say: Callable[[str], None] = lambda line: None) -> Conversion:
    """Write config, generation config, weights (float32) and tokenizer of the file `gguf` into `folder`.

    `folder` must exist; `say` is told now and then how far the weights are. Raises `UserError` for a file that
    is damaged or holds anything but a Llama with a SmolLM tokenizer, and `OSError` where writing fails.
    """
    reader, metadata = _read(gguf)
    config = _config(metadata, tied=all(tensor.name != "output.weight" for tensor in reader.tensors))
    weights = [_Weight.of(tensor, config) for tensor in reader.tensors]
    embedding = next((weight.shape for weight in weights if weight.name == _TOP["token_embd"]), None)
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


# GGUF's names of a Llama's tensors, and those of transformers.
_TOP = {
    "token_embd": "model.embed_tokens.weight",
    "output_norm": "model.norm.weight",
    "output": "lm_head.weight",
}
_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True, slots=True)
class _Weight:
    """One tensor: its name for transformers, its shape, and how to get its float32 values."""

    name: str
    shape: tuple[int, ...]
    tensor: Any
    rotary_heads: int | None
    """Number of heads, where llama.cpp has reordered the rows for its own rotary embedding."""

    @classmethod
    def of(cls, tensor: Any, config: Mapping[str, Any]) -> _Weight:
        top = re.fullmatch(r"(\w+)\.weight", tensor.name)
        block = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", tensor.name)
        if top and top[1] in _TOP:
            name = _TOP[top[1]]
        elif block and block[2] in _BLOCK:
            name = f"model.layers.{block[1]}.{_BLOCK[block[2]]}.weight"
        else:
            raise UserError(
                f"the GGUF file holds {tensor.name!r}, which no plain Llama has; use another file"
            )
        heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
        shape = tuple(int(n) for n in reversed(tensor.shape))
        return cls(name, shape, tensor, heads.get(block[2]) if block else None)

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
        if self.rotary_heads is not None:
            # llama.cpp interleaves the two halves of each head's rows; transformers keeps them apart.
            pairs = values.reshape(self.rotary_heads, -1, 2, *values.shape[1:])
            values = pairs.swapaxes(1, 2)
        return np.ascontiguousarray(values).reshape(self.shape)


def _read(gguf: Path) -> tuple[Any, dict[str, Any]]:
    """The reader (tensors stay on disk until asked for) and the file's metadata as plain Python values."""
    from gguf import GGUFReader

    try:
        reader: Any = GGUFReader(str(gguf))
        metadata: dict[str, Any] = {key: field.contents() for key, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise UserError(
            f"{gguf} is damaged or no GGUF file ({error}); delete it and fetch it again"
        ) from error
    if metadata.get("general.architecture") != "llama":
        raise UserError(
            f"{gguf} is no Llama ({metadata.get('general.architecture')}); only that can be converted"
        )
    missing = [key for key in _NEEDED if key not in metadata]
    if missing:
        raise UserError(f"{gguf} lacks {', '.join(missing)} in its metadata; use another file")
    return reader, metadata


_CONFIG = {
    "hidden_size": "llama.embedding_length",
    "intermediate_size": "llama.feed_forward_length",
    "num_hidden_layers": "llama.block_count",
    "num_attention_heads": "llama.attention.head_count",
    "num_key_value_heads": "llama.attention.head_count_kv",
    "head_dim": "llama.rope.dimension_count",
    "max_position_embeddings": "llama.context_length",
    "vocab_size": "llama.vocab_size",
    "rope_theta": "llama.rope.freq_base",
    "rms_norm_eps": "llama.attention.layer_norm_rms_epsilon",
    "bos_token_id": "tokenizer.ggml.bos_token_id",
    "eos_token_id": "tokenizer.ggml.eos_token_id",
    "pad_token_id": "tokenizer.ggml.padding_token_id",
}
_NEEDED = (
    *_CONFIG.values(),
    *(f"tokenizer.ggml.{part}" for part in ("model", "pre", "tokens", "token_type", "merges")),
    *("tokenizer.ggml.unknown_token_id", "tokenizer.chat_template"),
)


def _config(metadata: Mapping[str, Any], *, tied: bool) -> dict[str, Any]:
    scaled = sorted(key for key in metadata if key.startswith("llama.rope.scaling"))
    if scaled:
        raise UserError(
            f"the GGUF file scales its rotary embedding ({scaled[0]}), which is not supported here"
        )
    values = {name: _shortest(metadata[key]) for name, key in _CONFIG.items()}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        "use_cache": True,
        "torch_dtype": "float32",
        **values,
    }


def _shortest(value: Any) -> int | float:
    """GGUF keeps floats in 32 bits: the shortest decimal of the same float32 is what the model's makers
    wrote (1e-05, not 9.999999747378752e-06)."""
    import numpy as np

    return float(str(np.float32(value))) if isinstance(value, float) else int(value)


def _quantisation(metadata: Mapping[str, Any]) -> str:
    from gguf import LlamaFileType

    try:
        name: str = LlamaFileType(int(metadata.get("general.file_type", -1))).name
    except ValueError:
        return "unknown"
    return name.removeprefix("MOSTLY_").removeprefix("ALL_")


def _write_weights(weights: list[_Weight], path: Path, say: Callable[[str], None]) -> str:
    """Tensor after tensor, so that memory holds one at a time; returns the file's SHA-256 (hex)."""
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
