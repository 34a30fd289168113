"""The kind, tokenizer and vocabulary of a PEFT adapter, found in its folder before any weights are read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.models.characters import whole_characters
from lsm_eval.models.checkpoint_files import adapter_weights
from lsm_eval.models.weight_files import tensor_shapes

_CONFIG = "adapter_config.json"
_UNMERGEABLE = frozenset(
    ("PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "ADAPTION_PROMPT", "XLORA", "POLY")
)  # fmt: skip
"""Kinds that put tokens before the prompt, or choose among adapters, instead of changing the model's weights."""
_VOCABULARIES = ("tokenizer.json", "*.model", "*.tiktoken", "*.spm", "vocab.*", "vocab-*", "merges.txt", "bpe.codes",
                 "tekken.json")  # fmt: skip
_EMBEDDING = re.compile(r"(embed|wte|word_emb|shared|lm_head|output)[^.]*(\.base_layer)?\.weight$")


def check_adapter(folder: Path) -> None:
    """Raises `UserError` if the folder is no PEFT adapter, or of a kind that cannot be merged."""
    adapter_config(folder)
    if not adapter_weights(folder):
        raise UserError(
            f"--adapter {folder}: has no adapter_model.safetensors (nor adapter_model.bin); fetch the adapter again."
        )


def adapter_config(folder: Path) -> dict[str, Any]:
    """The adapter's configuration. Raises `UserError` as `check_adapter` does."""
    path = folder / _CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"--adapter {folder}: has no {_CONFIG}; name the folder of a PEFT adapter.") from None
    except OSError as error:
        raise UserError(f"--adapter {folder}: {_CONFIG} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"--adapter {folder}: {_CONFIG} is no JSON; fetch the adapter again.") from error
    kind = content.get("peft_type") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(kind, str):
        raise UserError(
            f"--adapter {folder}: {_CONFIG} names no kind of adapter (`peft_type`); fetch the adapter again."
        )
    if kind.upper() in _UNMERGEABLE:
        raise UserError(
            f"--adapter {folder}: an adapter of the kind {kind} cannot be merged into a model; use LoRA."
        )
    return content


def adapter_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each of the adapter's tensors, by its name in the file. Raises `UserError` if the file is damaged or
    contains anything else."""
    check_adapter(folder)
    path = folder / adapter_weights(folder)[0]
    try:
        return tensor_shapes(path)
    except ValueError as error:
        raise UserError(
            f"--adapter {folder}: {path.name} is damaged, cut short, or holds something other than tensors; fetch the "
            "adapter again, as safetensors if there is a choice."
        ) from error


def other_base(adapter: Path, repository: str | None, folder: Path | None) -> str | None:
    """The name of the adapter's base model, without folders, if the model (a hub repository or a folder) has another name;
    None if the adapter names none, or this one."""
    base = adapter_config(adapter).get("base_model_name_or_path")
    own = whole_characters(Path(base).name) if isinstance(base, str) else ""
    names = [] if repository is None else [repository.rpartition("/")[2]]
    if folder is not None:
        # A snapshot in the hub's cache is named after its commit, below its repository's folder.
        names += [folder.name, folder.parent.parent.name.rpartition("--")[2]]
    return own if own and own.lower() not in (name.lower() for name in names) else None


def model_name(name: str) -> str:
    """The name in the model of a tensor with this name in an adapter."""
    return re.sub(r"\.(modules_to_save|default)(?=\.|$)", "", name.removeprefix("base_model.model."))


def adapter_vocabulary(folder: Path, size: int | None, width: int | None) -> int | None:
    """The number of tokens with an embedding once the adapter is merged; `size`: before that, `width`: the size of an
    embedding."""
    rows = {
        shape[0]
        for name, shape in adapter_shapes(folder).items()
        if len(shape) == 2 and shape[1] == width and _EMBEDDING.search(model_name(name))
    }
    return rows.pop() if len(rows) == 1 else size


def has_tokenizer(folder: Path) -> bool:
    """Whether the adapter contains a complete tokenizer."""
    return any(path.is_file() for pattern in _VOCABULARIES for path in folder.glob(pattern))


def own_template(folder: Path) -> str | Mapping[str, str] | None:
    """The chat template in an adapter's folder without a tokenizer; None if there is none."""
    try:
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    except (OSError, ValueError):
        pass
    for name in ("tokenizer_config.json", "chat_template.json"):
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            template = content.get("chat_template")
            if isinstance(template, list):
                return {str(one["name"]): str(one["template"]) for one in template}
        except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
            continue
        if isinstance(template, str):
            return template
    return None
