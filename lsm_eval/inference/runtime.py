"""The device, dtype, special tokens and limits that a checkpoint runs with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Engine = Literal["auto", "tree", "plain"]


@dataclass(frozen=True, slots=True)
class Written:
    """Decodes new tokens with special tokens written out, which a stop string may contain."""

    decode: Callable[[Sequence[int]], str]
    special: frozenset[int]
    """The tokens that `Runtime.decode` leaves out."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The settings that a checkpoint runs with."""

    name: str
    """The model's name, for messages."""
    device: str
    dtype: str
    engine: Engine
    pad: int
    """The padding token."""
    ends: tuple[int, ...]
    """Tokens that end a text."""
    decode: Callable[[Sequence[int]], str]
    """Decodes new tokens, without special ones."""
    batch_tokens: int | None = None
    """The most tokens of a batch; None for what memory and device suggest."""
    longest: int | None = None
    """The model's context, in tokens; None if it has no limit."""
    written: Written | None = None
    """None if there are no special tokens."""
    encode: Callable[[str], Sequence[int]] | None = None
    """Encodes a text in the middle of another; None if no text is ever inserted."""

    @property
    def tolerance(self) -> float:
        """The largest difference of a token's log-probability that the dtype's rounding explains."""
        return {"float32": 1e-3, "bfloat16": 0.25}.get(self.dtype, 0.05)
