"""Log-probabilities as servers write them, read strictly: what is no such number is an error, never a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsm_eval.endpoints.outcome import Again
from lsm_eval.endpoints.scoring.calling import Unanswered
from lsm_eval.inference.scoring.plain import SequenceScore
from lsm_eval.requests import Failure

_PLACEHOLDER = -9999.0
"""What vLLM writes for a probability of 0, which JSON has no number for; others write it, or less, for what they lack."""
_ABOVE = 1e-3
"""A log-probability is at most 0, but for rounding."""


@dataclass(frozen=True, slots=True)
class TokenNumber:
    """What a server says of one token."""

    logprob: float
    """Natural log."""
    greedy: bool
    """Whether it is the likeliest one at its place."""


def read_number(value: Any) -> float:
    """A log-probability from JSON: a number, or the text of one. Raises `Unanswered`."""
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
    """An answer that does not tell what was asked for."""
    return Unanswered(Again("malformed", why), lacking=True)


def checked_length(found: int, sent: int) -> None:
    """Raises `Unanswered` where the server read another number of tokens than was sent."""
    if found < sent:
        why = f"the server read {found:,} of the {sent:,} tokens that were sent"
        raise Unanswered(Failure("too_long", why))
    if found > sent:
        raise incomplete(f"the server tells of {found:,} tokens, and {sent:,} were sent")


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
    """Of each row, from its tokens' numbers."""
    return [SequenceScore(sum(one.logprob for one in row), all(one.greedy for one in row)) for row in numbers]
