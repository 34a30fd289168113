"""Small GGUF files, written here: what is converted, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.models.gguf_checkpoint import convert

HIDDEN, HEADS, KV, INNER = 32, 4, 2, 48


def write(path: Path, *, architecture: str = "llama", pre: str = "smollm", extra: str | None = None) -> Path:
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
    draw = np.random.default_rng(3)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.standard_normal(shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_untied_and_user_defined(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = write(tmp_path / "tiny.gguf")
    folder = tmp_path / "folder"
    folder.mkdir()
    conversion = convert(file, folder)
    ours: Any = AutoModelForCausalLM.from_pretrained(folder)
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name, dtype=torch.float32)
    assert ours.config.tie_word_embeddings is False
    assert not torch.equal(ours.lm_head.weight, ours.model.embed_tokens.weight)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert mine.keys() == other.keys()
    assert [name for name in mine if not torch.equal(mine[name], other[name])] == []
    assert conversion.parameters == sum(tensor.numel() for tensor in mine.values())
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("<tool>he<|im_end|>")["input_ids"]
    assert ids == [3, len(tokenizer) - 1, 2]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<tool>he"
    assert tokenizer.model_max_length == 128
    assert json.loads((folder / "config.json").read_text())["rms_norm_eps"] == 1e-6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": "gpt2"}, "no Llama"),
        ({"pre": "llama-bpe"}, "gpt2/llama-bpe"),
        ({"extra": "rope_freqs"}, "rope_freqs"),
    ],
)
def test_refused(changes: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        convert(write(tmp_path / "other.gguf", **changes), tmp_path)


@pytest.mark.parametrize("size", [0, 3, 100, 2000, -100])
def test_truncated(size: int, tmp_path: Path) -> None:
    file = write(tmp_path / "tiny.gguf")
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(UserError, match="damaged or no GGUF file"):
        convert(file, tmp_path)
