"""Common prefixes of sequences (trunks), and runs of tokens that a pass reads into the cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(slots=True, eq=False)
class Trunk:
    """Tokens `start` to `start + len(tokens)` of all sequences that pass through it, after its parent's."""

    start: int
    tokens: tuple[int, ...]
    parent: Trunk | None
    waiting: int = 0
    """How many sequences below it are not finished."""
    computed: int = 0
    """How many of its tokens are in the cache."""
    keys: list[torch.Tensor] = field(default_factory=list)
    """One per layer, [key heads, tokens, size]."""
    values: list[torch.Tensor] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + len(self.tokens)

    def path(self) -> list[Trunk]:
        """All trunks from the text's start down to this one."""
        found: list[Trunk] = []
        at: Trunk | None = self
        while at is not None:
            found.append(at)
            at = at.parent
        return found[::-1]

    def clear(self) -> None:
        """Free the memory."""
        self.keys, self.values, self.computed = [], [], 0


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive new tokens of one target: a trunk, or the own part of the sequence in a slot."""

    target: Trunk | int
    above: Trunk | None
    """The trunk before the target; all its tokens are in the cache after this pass."""
    start: int
    """Position of the target's first token in the text."""
    done: int
    """Tokens of the target that are in the cache."""
    tokens: tuple[int, ...]
