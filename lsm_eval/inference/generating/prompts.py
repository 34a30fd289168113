"""What is continued, and what comes back: plain values that need no model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens for thoughts and for the answer, apart (`budget.BudgetWatch`)."""

    reasoning: int
    answer: int
    closes: str | None = None
    """What closes the thoughts that the prompt opens; None where it opens none."""


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
    """Draw from the fewest tokens whose probabilities sum to this."""
    seed: int = 0
    """Of the sequence's own random stream."""
    opened: bool = False
    """Whether it ends inside thoughts: stop strings wait for their end."""
    stop_in_thoughts: bool = False
    """They do not wait, whether it does or not."""
    lm_eval: bool = False
    """Cut the text as lm-evaluation-harness does where a stop string holds a special token (`stops.finish`)."""
    budget: Budget | None = None
    """Within `max_tokens`, how many may be thoughts; None where they share these with the answer."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What came after a prompt."""

    text: str
    tokens: int
    stopped: bool
    """Whether a stop string or the end of text came."""
    nan: bool
    """Whether the model's output held a NaN on the way, so that the text means nothing."""
    thought: int | None = None
    """How many of the tokens are thoughts that the text begins with; None where it begins with none."""
