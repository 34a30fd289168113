"""Where and how a checkpoint runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Engine = Literal["auto", "tree", "plain"]


@dataclass(frozen=True, slots=True)
class Written:
    """How new tokens read with the tokenizer's special tokens written out, which a stop string may name."""

    decode: Callable[[Sequence[int]], str]
    special: frozenset[int]
    """Tokens that `Place.decode` leaves out."""


@dataclass(frozen=True, slots=True)
class Place:
    """Device, dtype and tokens of special meaning."""

    name: str
    """The model's, for messages."""
    device: str
    dtype: str
    engine: Engine
    pad: int
    """Token that stands for nothing."""
    ends: tuple[int, ...]
    """Tokens that end a text."""
    decode: Callable[[Sequence[int]], str]
    """Text of new tokens, special ones left out."""
    batch_tokens: int | None = None
    """Tokens that a batch may hold; None for what memory and device suggest."""
    longest: int | None = None
    """The model's context, in tokens; None where it has no bound."""
    written: Written | None = None
    """None where no token is special."""
    encode: Callable[[str], Sequence[int]] | None = None
    """Tokens of a text in the middle of another; None where nothing is ever written for a model."""

    @property
    def tolerance(self) -> float:
        """Largest difference of a token's log-probability that the dtype's rounding explains."""
        return {"float32": 1e-3, "bfloat16": 0.25}.get(self.dtype, 0.05)
