"""Tiny checkpoints that write what a test needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MARK = "<|turn|>"


def writes_a_mark(plain: Path, folder: Path, instead_of: str = " of") -> Path:
    """The decoder-only checkpoint `plain` with one more token, `MARK`, which is special: written where the other
    would write `instead_of`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded: Any = AutoModelForCausalLM
    tokenizer, model = AutoTokenizer.from_pretrained(plain), loaded.from_pretrained(plain)
    (old,) = tokenizer(instead_of, add_special_tokens=False)["input_ids"]
    tokenizer.add_special_tokens({"additional_special_tokens": [MARK]})
    model.resize_token_embeddings(len(tokenizer))
    with torch.no_grad():
        head = model.get_output_embeddings().weight
        head[len(tokenizer) - 1] = head[old] * 1.5
        head[old] = -head[old]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def writes_letters(folder: Path) -> Path:
    """The decoder-only checkpoint in `folder`, changed so that its greedy texts have no bytes that are no characters."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded: Any = AutoModelForCausalLM
    tokenizer, model = AutoTokenizer.from_pretrained(folder), loaded.from_pretrained(folder)
    with torch.no_grad():
        head = model.get_output_embeddings().weight
        for token in range(len(tokenizer)):
            text = str(tokenizer.decode([token]))
            if not (text.isascii() and (text.isprintable() or text == "\n")):
                head[token] = 0.0  # of some hundred others one is always likelier
    model.save_pretrained(folder)
    return folder
