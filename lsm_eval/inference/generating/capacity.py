"""How many sequences may be continued at once: a model of the memory that they take."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from lsm_eval.inference.generating.prompts import Prompt
from lsm_eval.inference.memory import bytes_per_token
from lsm_eval.inference.runtime import Runtime

_CPU_SLOTS, _ACCELERATOR_SLOTS = 64, 256
_CPU_CHUNK, _ACCELERATOR_CHUNK = 512, 4096
_SHARE = 0.6  # of the free memory, for keys and values; the rest is for the passes


@dataclass(frozen=True, slots=True)
class Capacity:
    """The limits of a batch."""

    slots: int
    """The most sequences that are continued at once."""
    tokens: int
    """The most tokens whose keys and values are held: shared ones, and the longest sequence's own times the slots in use."""
    chunk: int
    """The most tokens of prompts in one pass."""
    group: int = 8
    """From this number of sequences on, attending to a shared trunk separately is faster than copying it to each."""


def capacity(config: Any, runtime: Runtime, prompts: Collection[Prompt], free: int | None) -> Capacity:
    """The limits that fit into `free` bytes besides the weights, and are fastest on the kind of device.

    `Runtime.batch_tokens` overrides what memory suggests. The limits of slots come from measurements: beyond them a step on
    a CPU takes longer in proportion to their number.
    """
    cpu = runtime.device == "cpu"
    tokens = runtime.batch_tokens
    if tokens is None:
        each = bytes_per_token(config, 4 if runtime.dtype == "float32" else 2)
        longest = max(len(prompt.tokens) + prompt.max_tokens for prompt in prompts)
        tokens = int(_SHARE * free / each) if free is not None else 8 * longest
    chunk = _CPU_CHUNK if cpu else _ACCELERATOR_CHUNK
    if runtime.batch_tokens is not None:
        chunk = max(min(chunk, runtime.batch_tokens), 1)
    return Capacity(_CPU_SLOTS if cpu else _ACCELERATOR_SLOTS, tokens, chunk)
