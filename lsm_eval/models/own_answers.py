"""Checks what a user's own model returned, and raises one clear sentence if it is not an answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from lsm_eval.errors import CodeFault
from lsm_eval.models.own import Answer, Likely
from lsm_eval.reasoning.split import answer_start
from lsm_eval.requests import Failure, Generate, Generated, Likelihood

_ROUNDING = 1e-4
"""How far above 0 the logarithm of a probability may be because of rounding."""
_PAIR = "give (logarithm of the probability, whether it is what the model would write)"


def each(given: Any, count: int, method: str, what: str) -> list[Any]:
    """What a method returned, as a list of `count` items. Raises `CodeFault`."""
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        if hasattr(given, "close"):  # otherwise Python would warn about a coroutine that was never awaited
            given.close()
        raise CodeFault(
            f"{method} gave {type(given).__name__}: it is called with a list of {what} and gives a list back, one answer for each; it is no "
            "`async def`."
        )
    found = list(given)
    if len(found) != count:
        raise CodeFault(
            f"{method} gave {len(found)} answers to {count} {what}: give one for each, in their order."
        )
    return found


def written(given: Any, request: Generate, method: str) -> Generated | Failure:
    """An answer to a prompt, cut before a stop string. Raises `CodeFault`."""
    if given is None:
        return Failure("unanswered", f"{method} gave None")
    answer = Answer(given) if isinstance(given, str) else given
    if not isinstance(answer, Answer) or not isinstance(answer.text, str):
        raise CodeFault(
            f"{method} answered with {type(given).__name__}: give a text, an lsm_eval.Answer, or None if there is no answer."
        )
    if answer.tokens is not None and not _is_count(answer.tokens):
        raise CodeFault(f"{method} counted {answer.tokens!r} tokens: give a whole number, or None.")
    if answer.finish not in ("stop", "length"):
        raise CodeFault(f"{method} gave finish={answer.finish!r}: give 'stop' or 'length'.")
    text, cut = _cut(str(answer.text), request)
    tokens = None if answer.tokens is None else int(answer.tokens)
    return Generated(text, tokens, "stop" if cut else answer.finish)


def likely(given: Any, method: str) -> Likely:
    """The values that were returned for a pair. Raises `CodeFault`."""
    try:
        logprob, greedy, *rest = given
    except (TypeError, ValueError):
        raise CodeFault(f"{method} gave {_shown(given)} for a pair: {_PAIR}.") from None
    if not isinstance(logprob, Real) or isinstance(logprob, bool):
        raise CodeFault(f"{method} gave {_shown(logprob)} where a number is wanted: {_PAIR}.")
    value = float(logprob)
    if not math.isfinite(value) or value > _ROUNDING:
        raise CodeFault(
            f"{method} gave the logarithm {value}: give the natural logarithm of a probability, a finite number that is 0 or less."
        )
    if type(greedy).__name__ not in ("bool", "bool_"):  # numpy's is not a subclass of bool
        raise CodeFault(f"{method} gave {_shown(greedy)} where True or False is wanted: {_PAIR}.")
    if not rest:
        return min(value, 0.0), bool(greedy)
    if len(rest) > 1 or not _is_count(rest[0]):
        raise CodeFault(
            f"{method} gave {_shown(given)} for a pair: after these two only its tokens, a whole number."
        )
    return min(value, 0.0), bool(greedy), int(rest[0])


def whole(given: Any, method: str) -> Likelihood | Failure:
    """How likely a whole text is. Its tokens are needed, since metrics divide by them: without them there is no answer. Raises
    `CodeFault`."""
    found = likely(given, method)
    if len(found) < 3:
        return Failure(
            "unsupported", f"{method} gave no number of tokens for a whole text: give it as the third value"
        )
    return Likelihood(found[0], found[2])


def counts(found: Sequence[Likely]) -> tuple[int, ...]:
    """The number of tokens of each; empty if one is unknown."""
    numbers = tuple(one[2] for one in found if len(one) == 3)
    return numbers if len(numbers) == len(found) else ()


def _cut(text: str, request: Generate) -> tuple[str, bool]:
    """The text before the first stop string, and whether there was one. By default those inside thoughts do not count."""
    begins = (0, 0) if request.stop_in_thoughts else answer_start(text)
    if begins is None:
        return text, False
    places = [at for stop in request.stop if stop and (at := text.find(stop, begins[1])) >= 0]
    return (text[: min(places)], True) if places else (text, False)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:80]}…"
