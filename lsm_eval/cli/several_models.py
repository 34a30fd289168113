"""Several `--model` options: one record for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.cli.adapters import adapter_rows
from lsm_eval.errors import UserError


@dataclass(frozen=True)
class ModelRow:
    """One of the models that a command runs."""

    title: str
    model: str
    adapter: tuple[str, ...]
    name: str | None
    """Its name in the record; None for its own name."""


def model_rows(
    models: Sequence[str], adapters: Sequence[str], name: str | None, options: Mapping[str, Any]
) -> list[ModelRow]:
    """The models of a command: those of `--model`, or a single one with its adapters. Raises `UserError` for options that are
    for a single model."""
    if len(models) == 1:
        return [
            ModelRow(adapter[0] if adapter else "the base model, without an adapter", models[0], adapter, own)
            for adapter, own in adapter_rows(adapters, models[0], name)
        ]
    other = next((model for model in models if not model.startswith("openai:")), None)
    refused = {
        "--adapter belongs to one model": bool(adapters),
        "--name is what one model is called": name is not None,
        "--tokenizer is that of one model": options["tokenizer"] is not None,
        "--max-cost is kept for one model": options["max_cost"] is not None,
        f"--base-url is no address of {other}": bool(options["base_urls"]) and other is not None,
    }
    for why, there in refused.items():
        if there:
            raise UserError(
                f"{why}, and --model names {len(models)} ({', '.join(models)}): run the command for each, or leave it out."
            )
    return [ModelRow(model, model, (), None) for model in models]
