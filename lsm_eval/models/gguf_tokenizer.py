"""Builds the tokenizer that a GGUF file describes, for the `tokenizers` library and `transformers`.

It is built here because transformers' own GGUF reader does not split numbers into single digits first, as SmolLM's
pre-tokenizer does (`a\\n\\n1.` would be wrong), merges Gemma's runs of blanks, and sets no maximum length.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

# Kinds of tokens in GGUF (`llama_token_type`).
_NORMAL = 1
_CONTROL = 3
_USER_DEFINED = 4


def write_tokenizer(metadata: Mapping[str, Any], folder: Path, *, max_length: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` into `folder`.

    `metadata` is the GGUF file's (`tokenizer.ggml.*`, `tokenizer.chat_template`), `max_length` the model's
    context in tokens. Raises `UserError` for a kind of tokenizer other than SmolLM's byte-level BPE and Gemma's
    BPE over characters with bytes to fall back on.
    """
    from tokenizers import AddedToken, processors

    kind = (metadata["tokenizer.ggml.model"], metadata["tokenizer.ggml.pre"])
    if kind not in _KINDS:
        raise UserError(
            f"the GGUF file has a tokenizer of kind {'/'.join(kind)}, but only "
            f"{' and '.join('/'.join(known) for known in _KINDS)} can be converted here"
        )
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    kinds: list[int] = metadata["tokenizer.ggml.token_type"]
    tokenizer = _KINDS[kind](metadata)
    added = {
        number: AddedToken(tokens[number], special=kind == _CONTROL, normalized=False)
        for number, kind in enumerate(kinds)
        if kind in (_CONTROL, _USER_DEFINED)
    }
    tokenizer.add_special_tokens([token for token in added.values() if token.special])
    tokenizer.add_tokens([token for token in added.values() if not token.special])

    def named(name: str) -> str:
        number: int = metadata[f"tokenizer.ggml.{name}_token_id"]
        return tokens[number]

    bos = bool(metadata.get("tokenizer.ggml.add_bos_token", False))
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{named('bos')} $A",
            pair=f"{named('bos')} $A {named('bos')}:1 $B:1",
            special_tokens=[(named("bos"), metadata["tokenizer.ggml.bos_token_id"])],
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        # Both transformers 4 and 5 take this class to mean: tokenizer.json, exactly as it is.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": bos,
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
    }
    if "tokenizer.chat_template" in metadata:
        config["chat_template"] = metadata["tokenizer.chat_template"]
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")


def _smollm(metadata: Mapping[str, Any]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    vocabulary = {token: number for number, token in enumerate(metadata["tokenizer.ggml.tokens"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _sentencepiece(metadata: Mapping[str, Any]) -> Any:
    """SentencePiece's BPE as Gemma uses it: without pre-tokenisation, with blanks as `▁`, and none added before the text."""
    from tokenizers import Tokenizer, decoders, models, normalizers

    if metadata.get("tokenizer.ggml.add_space_prefix", True):
        raise UserError(
            "the GGUF file's tokenizer puts a blank before every text, which is not supported here"
        )
    tokens: list[str] = metadata["tokenizer.ggml.tokens"]
    model = models.BPE(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=_merges(metadata),
        unk_token=tokens[metadata["tokenizer.ggml.unknown_token_id"]],
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer


def _merges(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All pairs of tokens that form a third one, in descending order of its score; of one token's pairs, the one with the
    shortest left part first. SentencePiece merges in this order, but stores scores instead of merges.

    Only normal tokens take part: user-defined ones are split off before anything is merged, and merging must not form
    control tokens.
    """
    kinds: list[int] = metadata["tokenizer.ggml.token_type"]
    scored = zip(metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.scores"], kinds, strict=True)
    scores: dict[str, float] = {token: score for token, score, kind in scored if kind == _NORMAL}
    return [
        (token[:cut], token[cut:])
        for token in sorted(scores, key=scores.__getitem__, reverse=True)
        for cut in range(1, len(token))
        if token[:cut] in scores and token[cut:] in scores
    ]


_KINDS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], Any]] = {
    ("gpt2", "smollm"): _smollm,
    ("llama", "default"): _sentencepiece,
}
