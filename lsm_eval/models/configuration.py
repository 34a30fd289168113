"""Loads a checkpoint's configuration and tokenizer, and reports every fault as one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.family import family_of
from lsm_eval.models.generation_settings import check_generation_settings
from lsm_eval.models.unusable import quiet, unusable

_POSITIONS_AFTER_PADDING = frozenset(
    ("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert", "data2vec-text", "xmod",
     "ibert", "longformer", "mpnet", "luke", "esm")
)  # fmt: skip
"""Model types whose positions start at the padding token's number plus one, so that the positions before are never used."""


def load_config(folder: Path, *, trust_remote_code: bool) -> Any:
    """The checkpoint's configuration. Raises `UserError` for an unsupported family (`family.family_of`)."""
    from transformers import AutoConfig

    _check_folder(folder)
    quiet()
    try:
        config = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
        family_of(config, folder)
    except UserError:
        raise
    except (
        Exception
    ) as error:  # values of wrong types, and the checkpoint's code, raise exceptions of many kinds
        raise unusable(folder, "its configuration", error) from error
    check_generation_settings(folder)
    return config


def _check_folder(folder: Path) -> None:
    try:
        configured = (folder / "config.json").is_file()
        adapter = (folder / "adapter_config.json").is_file()
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}).") from error
    if adapter:
        # transformers would load the adapter's base model, wherever that is.
        but = "; if its weights are merged, remove adapter_config.json" if configured else ""
        raise UserError(
            f"{folder}: holds a PEFT adapter: name its base model as --model, and this folder as --adapter{but}."
        )
    if not configured:
        raise UserError(f"{folder}: has no config.json; name a folder that holds a transformers checkpoint.")


def text_config(config: Any) -> Any:
    """The text part of a configuration."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def vocabulary_size(config: Any) -> int | None:
    """The number of tokens with an embedding; None if the configuration does not say."""
    size = getattr(text_config(config), "vocab_size", None)
    return size if isinstance(size, int) and size > 0 else None


def context_length(config: Any, tokenizer: Any) -> int | None:
    """The most tokens that the model can attend to; None if neither configuration nor tokenizer says."""
    text = text_config(config)
    for name in ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len", "max_sequence_length"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            if config.model_type in _POSITIONS_AFTER_PADDING:
                return value - (getattr(config, "pad_token_id", None) or 0) - 1
            return value
    limit = getattr(tokenizer, "model_max_length", None)
    return int(limit) if isinstance(limit, int) and limit < 10**9 else None


def load_tokenizer(folder: Path, *, trust_remote_code: bool, config: Any = None) -> Any:
    """The tokenizer in `folder`; `config` determines its kind if the folder is an adapter's."""
    from transformers import AutoTokenizer

    quiet()
    own = {} if config is None else {"config": config}
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True, **own
        )
    except Exception as error:  # the tokenizers library raises plain `Exception` for a broken file
        raise unusable(folder, "its tokenizer", error) from error
    template = tokenizer.chat_template
    texts = list(template.values()) if isinstance(template, dict) else [template or ""]
    for name, fits in (
        ("model_max_length", isinstance(tokenizer.model_max_length, (int, float))),
        ("chat_template", all(isinstance(text, str) for text in texts)),
    ):
        if not fits:
            raise UserError(
                f"{folder}: its tokenizer cannot be used ({name} is {getattr(tokenizer, name)!r}); fetch the "
                "checkpoint again, or name another --model."
            )
    return tokenizer
