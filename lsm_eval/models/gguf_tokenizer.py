"""The tokenizer that a GGUF file describes, as the `tokenizers` library and `transformers` read one.

Built here rather than by transformers' own GGUF reader, which forgets that SmolLM's pre-tokenizer splits every
number into single digits before anything else (`a\\n\\n1.` would come out wrong) and sets no greatest length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

# Kinds of tokens in GGUF (`llama_token_type`).
_CONTROL = 3
_USER_DEFINED = 4


def write_tokenizer(metadata: Mapping[str, Any], folder: Path, *, max_length: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` into `folder`.

    `metadata` is the GGUF file's (`tokenizer.ggml.*`, `tokenizer.chat_template`), `max_length` the model's
    context in tokens. Raises `UserError` for a kind of tokenizer other than SmolLM's byte-level BPE.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    kind = (metadata["tokenizer.ggml.model"], metadata["tokenizer.ggml.pre"])
    if kind != ("gpt2", "smollm"):
        raise UserError(
            f"the GGUF file has a tokenizer of kind {'/'.join(kind)}, but only gpt2/smollm can be converted here"
        )
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    kinds: list[int] = metadata["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    added = {
        number: AddedToken(tokens[number], special=kind == _CONTROL, normalized=False)
        for number, kind in enumerate(kinds)
        if kind in (_CONTROL, _USER_DEFINED)
    }
    tokenizer.add_special_tokens([token for token in added.values() if token.special])
    tokenizer.add_tokens([token for token in added.values() if not token.special])
    tokenizer.save(str(folder / "tokenizer.json"))

    def named(name: str) -> str:
        number: int = metadata[f"tokenizer.ggml.{name}_token_id"]
        return tokens[number]

    config = {
        # Both transformers 4 and 5 take this class to mean: tokenizer.json, exactly as it is.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": bool(metadata.get("tokenizer.ggml.add_bos_token", False)),
        "add_prefix_space": False,
        "added_tokens_decoder": {
            str(number): {
                "content": token.content,
                "lstrip": False,
                "normalized": False,
                "rstrip": False,
                "single_word": False,
                "special": token.special,
            }
            for number, token in added.items()
        },
        "bos_token": named("bos"),
        "eos_token": named("eos"),
        "pad_token": named("padding"),
        "unk_token": named("unknown"),
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": max_length,
        "chat_template": metadata["tokenizer.chat_template"],
    }
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
