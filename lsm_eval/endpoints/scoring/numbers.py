"""Strict parsing of log-probabilities in servers' answers: anything else is an error, never a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.scoring.calling import Unanswered
from lsm_eval.inference.scoring.plain import SequenceScore
from lsm_eval.requests import Failure

_PLACEHOLDER = -9999.0
"""vLLM's value for a probability of 0, as JSON has no infinity; others write it, or less, for missing values."""
_ABOVE = 1e-3
"""The most that rounding may raise a log-probability above 0."""


@dataclass(frozen=True, slots=True)
class TokenNumber:
    """What a server returns for one token."""

    logprob: float
    """In nats."""
    greedy: bool
    """Whether it is the likeliest token at its place."""


def read_number(value: Any) -> float:
    """A log-probability from JSON: a number, or a string with one. Raises `Unanswered`."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise incomplete("a log-probability is missing")
    number = float(value)
    if math.isnan(number) or number <= _PLACEHOLDER or number > _ABOVE:
        why = "NaN" if math.isnan(number) else f"{number:g}"
        raise Unanswered(Failure("nan", f"the server gives {why} where a log-probability should be"))
    return min(number, 0.0)


def incomplete(why: str) -> Unanswered:
    """The error for an answer that does not contain what was requested."""
    return Unanswered(Retryable("malformed", why), lacking=True)


def checked_length(found: int, sent: int) -> None:
    """Raises `Unanswered` if the server read another number of tokens than was sent."""
    if found < sent:
        why = f"the server read {found:,} of the {sent:,} tokens that were sent"
        raise Unanswered(Failure("too_long", why))
    if found > sent:
        raise incomplete(f"the server reports {found:,} tokens, and {sent:,} were sent")


def choices_of(answer: Any, count: int) -> list[dict[str, Any]]:
    """The choices of an answer to `count` prompts, in their order. Raises `Unanswered`."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not all(isinstance(one, dict) for one in choices):
        raise incomplete("the answer has no choices")
    by_index = {one.get("index", at): one for at, one in enumerate(choices)}
    if len(choices) != count or sorted(map(str, by_index)) != sorted(map(str, range(count))):
        raise incomplete(f"{len(choices)} answers came to {count} prompts")
    return [by_index[at] for at in range(count)]


def sequence_scores(numbers: Sequence[Sequence[TokenNumber]]) -> list[SequenceScore]:
    """The score of each row, from its tokens' log-probabilities."""
    return [SequenceScore(sum(one.logprob for one in row), all(one.greedy for one in row)) for row in numbers]
