"""The part of a checkpoint's generation settings that affects answers, such as which tokens end a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

_FILE = "generation_config.json"
_TOKENS = ("eos_token_id", "bos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id")


def check_generation_settings(folder: Path) -> None:
    """Raises `UserError` for a generation_config.json that cannot be read, or that names tokens by anything but their
    numbers: transformers would silently ignore it, and texts would not end where they should."""
    path = folder / _FILE
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: is no JSON, so that it is unknown where texts end; fetch the checkpoint again."
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no JSON object; fetch the checkpoint again.")
    for name in _TOKENS:
        _numbers(content.get(name), name, path)
    words = content.get("bad_words_ids")
    if words is not None and not (isinstance(words, list) and all(isinstance(one, list) for one in words)):
        raise UserError(f"{path}: bad_words_ids is no list of lists of token numbers; correct it there.")
    for word in words or ():
        _numbers(word, "bad_words_ids", path)
    from transformers import GenerationConfig

    try:
        GenerationConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # values of wrong types raise exceptions of many kinds
        raise UserError(
            f"{path}: cannot be used ({type(error).__name__}: {str(error).splitlines()[0][:200]}); correct it there, or "
            "fetch the checkpoint again."
        ) from error


def settings_of(folder: Path, config: Any) -> Any:
    """The generation settings that transformers gives a model in this folder: those of the file, or else those of the model's
    configuration."""
    from transformers import GenerationConfig

    if (folder / _FILE).exists():
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    return GenerationConfig.from_model_config(config)


def end_tokens(settings: Any, tokenizer: Any, folder: Path) -> list[int]:
    """Numbers of the tokens that end a text: those of the generation settings, and the tokenizer's own."""
    ends = _numbers(getattr(settings, "eos_token_id", None), "eos_token_id", folder)
    own = tokenizer.eos_token_id
    return ends if own is None or own in ends else [*ends, own]


def _numbers(value: Any, name: str, where: Path) -> list[int]:
    found = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    if not all(type(one) is int for one in found):
        raise UserError(
            f"{where}: {name} is {value!r}, and must be a token's number or a list of such; correct it there, or fetch "
            "the checkpoint again."
        )
    return list(found)
