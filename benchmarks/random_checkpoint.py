"""Checkpoints of a real model's shape with random weights: speed needs no download."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "llama-8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
    },
    "llama-tiny": {
        "hidden_size": 64,
        "intermediate_size": 192,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 49152,
    },
}
"""Llama 3 8B (Grattafiori et al. 2024, table 3), and one that takes a second on a CPU, to try the command with."""

_CONTEXT = 8192


def random_checkpoint(shape: str, dtype: str, device: str, tokenizer: Path, folder: Path) -> Path:
    """A checkpoint folder of `shape` with seeded random weights and the tokenizer files of `tokenizer`."""
    import torch
    import transformers

    config = transformers.LlamaConfig(
        **SHAPES[shape], max_position_embeddings=_CONTEXT, bos_token_id=1, eos_token_id=2, pad_token_id=2
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            model = transformers.LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    model.save_pretrained(folder)
    for file in tokenizer.iterdir():
        if file.name.startswith(("tokenizer", "special_tokens", "chat_template")):
            shutil.copy(file, folder / file.name)
    return folder
