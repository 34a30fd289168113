"""Makes the request for a judge's question, and reads its response as an allowed answer or *could not judge*.

- `likelihood`: the allowed answers are scored as continuations, and the likeliest is the answer. Robust, because the
  judge cannot digress; for judges that can score.
- `text`: the judge generates text, whose first line must be exactly one allowed answer. A reasoning model's thoughts are
  ignored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsm_eval.judging.rubric import Question
from lsm_eval.reasoning.answered import without_thoughts
from lsm_eval.requests import Failure, FailureReason, Generate, Generated, Request, Response, Score, Scored

Reading = Literal["likelihood", "text"]

Why = Literal["tie", "improbable", "unread"] | FailureReason
"""`tie`: two answers are equally likely. `improbable`: the total probability of the allowed answers is too low. `unread`: the text is not
an allowed answer. The others are those of a failed request."""

VERSIONS: dict[Reading, int] = {"likelihood": 1, "text": 2}
"""Part of every judged metric's signature; raised whenever the same response would be read differently."""

_MAX_TOKENS = 16
_THINKING_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge's answer to one question."""

    answer: str | None
    """One of the question's answers; None if it could not judge."""
    why: Why | None = None
    """Why there is no answer; None if there is one."""
    share: float | None = None
    """The answer's share of the total probability of the allowed answers (reading by likelihood only)."""


def as_request(question: Question, reading: Reading, *, chat: bool, thinking: bool = False) -> Request:
    """The request for a judge's answer to a question, with its chat template if it has one (`chat`). `thinking`: allow
    tokens for thoughts before the answer."""
    text = question.text if chat else f"{question.text}\n{question.cue}"
    if reading == "text":
        return Generate(text, max_tokens=_THINKING_TOKENS if thinking else _MAX_TOKENS, chat=chat)
    # In a chat the reply starts a new turn, without a space after the question.
    space = "" if chat else " "
    return Score(text, tuple(space + spelling for spelling, _ in _spellings(question)), chat=chat)


def read(question: Question, response: Response) -> Judgement:
    """The judgement in a response to the question's request."""
    if isinstance(response, Failure):
        return Judgement(None, response.reason)
    if isinstance(response, Scored):
        return _likeliest(question, response.logprobs)
    if isinstance(response, Generated):
        return _written(question, without_thoughts(response).text)
    return Judgement(None, "unsupported")


def _likeliest(question: Question, logprobs: Sequence[float]) -> Judgement:
    owners = [answer for _, answer in _spellings(question)]
    mass = dict.fromkeys(question.answers, 0.0)
    for answer, logprob in zip(owners, logprobs, strict=True):
        if math.isnan(logprob):
            return Judgement(None, "nan")
        mass[answer] += math.exp(logprob)
    whole = sum(mass.values())
    if not 0 < whole < math.inf or whole < question.least_mass:
        return Judgement(None, "improbable")
    first, second = sorted(mass.values(), reverse=True)[:2]
    if first == second:
        return Judgement(None, "tie")
    best = max(mass, key=lambda answer: mass[answer])
    return Judgement(best, share=mass[best] / whole)


def _written(question: Question, text: str) -> Judgement:
    line = next((line for line in text.splitlines() if line.strip()), "")
    bare = line.strip().strip("\"'`*").removesuffix(".").strip("\"'`*").casefold()
    return Judgement(bare) if bare in question.answers else Judgement(None, "unread")


def _spellings(question: Question) -> list[tuple[str, str]]:
    """Pairs of a spelling and its answer: each answer as it is and with a capital first letter."""
    found = [(answer, answer) for answer in question.answers]
    return found + [(a.capitalize(), a) for a in question.answers if a.capitalize() != a]
