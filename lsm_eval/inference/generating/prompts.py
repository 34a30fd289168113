"""Prompts and continuations, as plain values that need no model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """The most tokens of thoughts and of the answer (`budget.BudgetWatch`)."""

    reasoning: int
    answer: int
    closes: str | None = None
    """The text that closes the thoughts which the prompt opens; None if it opens none."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens to continue."""

    tokens: tuple[int, ...]
    """At least one."""
    stop: tuple[str, ...]
    max_tokens: int
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    """Sample from the fewest tokens whose probabilities sum to this."""
    seed: int = 0
    """Seed of the sequence's own random stream."""
    opened: bool = False
    """Whether it ends inside thoughts, so that stop strings apply only after them."""
    stop_in_thoughts: bool = False
    """Whether stop strings apply inside thoughts, too."""
    lm_eval: bool = False
    """Cut the text as lm-evaluation-harness does if a stop string holds a special token (`stops.finish`)."""
    budget: Budget | None = None
    """Separate limits within `max_tokens`; None if thoughts and answer share them."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """The text generated after a prompt."""

    text: str
    tokens: int
    stopped: bool
    """Whether it ended by a stop string or the end of text."""
    nan: bool
    """Whether the model's output contained a NaN, so that the text is invalid."""
    thought: int | None = None
    """How many of the tokens are thoughts at the beginning of the text; None if there are none."""
