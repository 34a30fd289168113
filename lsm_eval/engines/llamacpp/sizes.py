"""The context length and the number of slots for a file: as the options say, or as memory suggests."""

from __future__ import annotations

from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.models.base import ModelOptions

_CONTEXT, _LEAST_CONTEXT = 8192, 2048
"""Tokens by default: keys and values of a whole context of 128,000 would fill most machines."""
_SLOTS = 4
_SHARE = 0.25  # of the machine's memory, for keys and values


def context_and_slots(
    path: Path, options: ModelOptions, own: int | None, per_token: int | None
) -> tuple[int, int]:
    """Tokens per slot, and the number of slots. `own`: the longest text that the model was trained on, in tokens;
    `per_token`: bytes of keys and values; None if unknown, or not in the machine's main memory.

    Raises `UserError` for a context longer than the model's, and if memory does not suffice: llama.cpp would fill it before
    it fails.
    """
    if options.context is not None and own is not None and options.context > own:
        raise UserError(
            f"--context {options.context}: {path.name} was trained on texts of {own} tokens at most: give no more than that."
        )
    context, slots = options.context or min(own or _CONTEXT, _CONTEXT), options.slots or _SLOTS
    if per_token is None:
        return context, slots
    import psutil

    there = psutil.virtual_memory().total
    while options.slots is None and slots > 1 and per_token * context * slots > there * _SHARE:
        slots //= 2
    while (
        options.context is None and context > _LEAST_CONTEXT and per_token * context * slots > there * _SHARE
    ):
        context = max(context // 2, _LEAST_CONTEXT)
    needed = per_token * context * slots
    if needed > there:
        raise UserError(
            f"{path}: keys and values of {slots:,} x {context:,} tokens (--slots times --context) take up to {needed / 1e9:.1f} "
            f"GB, and this machine has {there / 1e9:.1f} GB: use a smaller --context, or fewer --slots."
        )
    return context, slots
