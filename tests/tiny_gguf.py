"""Small GGUF files with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

HIDDEN, HEADS, KV, INNER = 32, 4, 2, 48
LAYERS, HEAD = 7, 16
"""Of `write_gemma3`: its layers, and the size of a head."""


def write_llama(
    path: Path, *, architecture: str = "llama", pre: str = "smollm", extra: str | None = None
) -> Path:
    """A Llama of one layer whose output matrix is its own, with one user-defined token."""
    import gguf

    alphabet = sorted({*map(chr, range(33, 127)), "Ġ", "Ċ"})
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool>", *alphabet, "he"]
    kinds = [3, 3, 3, 4] + [1] * (len(tokens) - 4)
    writer: Any = gguf.GGUFWriter(str(path), architecture)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(1)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{{ messages[0]['content'] }}")
    small = HIDDEN // HEADS * KV
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (len(tokens), HIDDEN),
        "output_norm": (HIDDEN,),
        "output": (len(tokens), HIDDEN),
        "blk.0.attn_norm": (HIDDEN,),
        "blk.0.attn_q": (HIDDEN, HIDDEN),
        "blk.0.attn_k": (small, HIDDEN),
        "blk.0.attn_v": (small, HIDDEN),
        "blk.0.attn_output": (HIDDEN, HIDDEN),
        "blk.0.ffn_norm": (HIDDEN,),
        "blk.0.ffn_gate": (INNER, HIDDEN),
        "blk.0.ffn_up": (INNER, HIDDEN),
        "blk.0.ffn_down": (HIDDEN, INNER),
    }
    if extra:
        shapes[extra] = (HIDDEN,)
    return _write_tensors(writer, path, shapes)


PIECES = ["▁", *map(chr, range(97, 123)), "th", "the", "▁the", "hi", "his"]
"""Normal tokens of `write_gemma3`, the likeliest merge last. Id of the first: 10 + 256."""


def write_gemma3(path: Path, **changes: Any) -> Path:
    """A Gemma 3 of seven layers, of which the sixth attends to everything, with tied embeddings and
    SentencePiece's kind of tokenizer; `changes` are made to its metadata (None leaves a key out)."""
    import gguf

    tokens = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<start_of_turn>",
        "[multimodal]",
        "\n",
        "\n\n",
        "  ",
        "   ",
    ]
    kinds = [3, 3, 3, 3, 3] + [4] * 5 + [6] * 256 + [1] * len(PIECES)
    tokens += [*(f"<0x{byte:02X}>" for byte in range(256)), *PIECES]
    scores = [-1000.0] * 10 + [0.0] * 256 + [float(number) for number in range(len(PIECES))]
    metadata: dict[str, Any] = {
        "gemma3.context_length": 128,
        "gemma3.embedding_length": HIDDEN,
        "gemma3.block_count": LAYERS,
        "gemma3.feed_forward_length": INNER,
        "gemma3.attention.head_count": HEADS,
        "gemma3.attention.head_count_kv": 1,
        "gemma3.attention.layer_norm_rms_epsilon": 1e-6,
        "gemma3.attention.key_length": HEAD,
        "gemma3.attention.value_length": HEAD,
        "gemma3.attention.sliding_window": 16,
        "gemma3.rope.freq_base": 1e6,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 3,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_space_prefix": False,
        **changes,
    }
    writer: Any = gguf.GGUFWriter(str(path), "gemma3")
    for key, value in metadata.items():
        if isinstance(value, list):
            writer.add_array(key, value)
        elif value is not None:
            add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32}
            add.get(type(value), writer.add_string)(key, value)
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (len(tokens), HIDDEN), "output_norm": (HIDDEN,)}
    for layer in range(LAYERS):
        block: dict[str, tuple[int, ...]] = {
            "attn_norm": (HIDDEN,),
            "attn_q": (HEADS * HEAD, HIDDEN),
            "attn_q_norm": (HEAD,),
            "attn_k": (HEAD, HIDDEN),
            "attn_k_norm": (HEAD,),
            "attn_v": (HEAD, HIDDEN),
            "attn_output": (HIDDEN, HEADS * HEAD),
            "post_attention_norm": (HIDDEN,),
            "ffn_norm": (HIDDEN,),
            "ffn_gate": (INNER, HIDDEN),
            "ffn_up": (INNER, HIDDEN),
            "ffn_down": (HIDDEN, INNER),
            "post_ffw_norm": (HIDDEN,),
        }
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in block.items()}
    return _write_tensors(writer, path, shapes, tame=True)


def _write_tensors(
    writer: Any, path: Path, shapes: dict[str, tuple[int, ...]], *, tame: bool = False
) -> Path:
    """`tame`: weights small enough that numbers stay near 1 from layer to layer, and norms around 1."""
    draw = np.random.default_rng(3)
    for name, shape in shapes.items():
        weight = draw.standard_normal(shape).astype(np.float32)
        if tame:
            weight = weight * np.float32(0.3) + np.float32(name.endswith("norm"))
        writer.add_tensor(f"{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
