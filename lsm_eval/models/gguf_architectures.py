"""Differences between the architectures that can be converted: names in GGUF and in `transformers`, and how llama.cpp
changes the weights when it writes the file.

Names and changes: llama.cpp's gguf-py (constants.py, tensor_mapping.py) and its convert_hf_to_gguf.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from lsm_eval.errors import UserError

Config = dict[str, Any]

TOP: Mapping[str, str] = MappingProxyType(
    {
        "token_embd": "model.embed_tokens.weight",
        "output_norm": "model.norm.weight",
        "output": "lm_head.weight",
    }
)
"""GGUF's names of the tensors outside the layers, and those of transformers."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """One kind of model, as GGUF's `general.architecture` names it."""

    title: str
    needed: tuple[str, ...]
    """Metadata that a file must have."""
    config: Callable[[Mapping[str, Any], bool], Config]
    """Makes the content of `config.json` from the metadata, and from whether input and output embeddings are tied."""
    block: Mapping[str, str]
    """GGUF's names of the tensors of a layer, and those of transformers."""
    interleaved: bool = False
    """Whether llama.cpp has interleaved the two halves of each head's rows of queries and keys."""
    norm_offset: float = 0.0
    """The number that llama.cpp has added to the weights of every norm."""


def _llama(metadata: Mapping[str, Any], tied: bool) -> Config:
    _refuse_scaled_rope("llama", metadata)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        "use_cache": True,
        "torch_dtype": "float32",
        **_values(_LLAMA, metadata),
    }


def _gemma3(metadata: Mapping[str, Any], tied: bool) -> Config:
    _refuse_scaled_rope("gemma3", metadata)
    values = _values(_GEMMA3, metadata)
    if metadata["gemma3.attention.value_length"] != values["head_dim"]:
        raise UserError(
            "the GGUF file's keys and values differ in size, which no Gemma 3 of transformers has"
        )
    period = int(metadata.get("gemma3.attention.sliding_window_pattern", _GEMMA3_PERIOD))
    kinds = [
        "sliding_attention" if (layer + 1) % period else "full_attention"
        for layer in range(values["num_hidden_layers"])
    ]
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "tie_word_embeddings": tied,
        "use_cache": True,
        "torch_dtype": "float32",
        **values,
        "vocab_size": len(metadata["tokenizer.ggml.tokens"]),
        # llama.cpp divides by the root of a head's size as well; only the 27B model, whose rotary embedding is
        # scaled and which is therefore refused above, does otherwise.
        "query_pre_attn_scalar": values["head_dim"],
        "rope_local_base_freq": _GEMMA3_LOCAL_BASE,
        "layer_types": kinds,
    }


def _values(names: Mapping[str, str], metadata: Mapping[str, Any]) -> Config:
    return {name: _shortest(metadata[key]) for name, key in names.items()}


def _refuse_scaled_rope(architecture: str, metadata: Mapping[str, Any]) -> None:
    scaled = sorted(key for key in metadata if key.startswith(f"{architecture}.rope.scaling"))
    if scaled:
        raise UserError(
            f"the GGUF file scales its rotary embedding ({scaled[0]}), which is not supported here"
        )


def _shortest(value: Any) -> int | float:
    """The shortest decimal with the same float32 value, which is what the model's authors wrote (1e-05, not
    9.999999747378752e-06), as GGUF stores floats in 32 bits."""
    import numpy as np

    return float(str(np.float32(value))) if isinstance(value, float) else int(value)


_ENDS = {
    "bos_token_id": "tokenizer.ggml.bos_token_id",
    "eos_token_id": "tokenizer.ggml.eos_token_id",
    "pad_token_id": "tokenizer.ggml.padding_token_id",
}
_LLAMA = {
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
    **_ENDS,
}
_GEMMA3 = {
    "hidden_size": "gemma3.embedding_length",
    "intermediate_size": "gemma3.feed_forward_length",
    "num_hidden_layers": "gemma3.block_count",
    "num_attention_heads": "gemma3.attention.head_count",
    "num_key_value_heads": "gemma3.attention.head_count_kv",
    "head_dim": "gemma3.attention.key_length",
    "max_position_embeddings": "gemma3.context_length",
    "sliding_window": "gemma3.attention.sliding_window",
    "rope_theta": "gemma3.rope.freq_base",
    "rms_norm_eps": "gemma3.attention.layer_norm_rms_epsilon",
    **_ENDS,
}
# Constants of Gemma 3 that GGUF files leave out, from its technical report (arXiv:2503.19786): of each six layers
# one attends to everything, and the others' rotary embedding has this base.
_GEMMA3_PERIOD = 6
_GEMMA3_LOCAL_BASE = 10_000.0

_TOKENIZER = tuple(f"tokenizer.ggml.{part}" for part in ("model", "pre", "tokens", "token_type"))
_UNKNOWN = "tokenizer.ggml.unknown_token_id"

_MATRICES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "llama": Architecture(
            title="Llama",
            needed=(
                *_LLAMA.values(),
                *_TOKENIZER,
                "tokenizer.ggml.merges",
                _UNKNOWN,
                "tokenizer.chat_template",
            ),
            config=_llama,
            block={
                "attn_norm": "input_layernorm",
                "ffn_norm": "post_attention_layernorm",
                **_MATRICES,
            },
            interleaved=True,
        ),
        "gemma3": Architecture(
            title="Gemma 3",
            needed=(
                *_GEMMA3.values(),
                *_TOKENIZER,
                "tokenizer.ggml.scores",
                _UNKNOWN,
                "gemma3.attention.value_length",
            ),
            config=_gemma3,
            block={
                "attn_norm": "input_layernorm",
                "attn_q_norm": "self_attn.q_norm",
                "attn_k_norm": "self_attn.k_norm",
                "post_attention_norm": "post_attention_layernorm",
                "ffn_norm": "pre_feedforward_layernorm",
                "post_ffw_norm": "post_feedforward_layernorm",
                **_MATRICES,
            },
            # Gemma's norms multiply by 1 + weight; llama.cpp's by the weight.
            norm_offset=1.0,
        ),
    }
)
"""By GGUF's name for them."""
