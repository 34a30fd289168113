"""Many tokens in one request to llama.cpp: a grammar allows a text's tokens and no other, in their order (llama.cpp since
December 2025).

The model's own numbers are told, from before the grammar. Of a token that ends texts or is a part of a character nothing is
told, and nothing says where it is missing: a number is used where it can belong to one place only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.scoring.calling import Caller, Unanswered
from lsm_eval.endpoints.scoring.numbers import TokenNumber, checked_length, incomplete, read_number
from lsm_eval.endpoints.scoring.patiently import patiently

AT_ONCE = 256
"""Tokens of one request: what is lost with it must be written again."""


async def written(
    caller: Caller, before: Sequence[int], wanted: Sequence[int], seconds: float
) -> dict[int, TokenNumber]:
    """By its place in `wanted`, the number of each token of it after `before` and those of it that come first; without
    those of which nothing is told, which may be all. Raises `Unanswered`."""
    body = {
        "prompt": list(before),
        "n_predict": len(wanted),
        "n_probs": 1,
        "temperature": 0,
        "cache_prompt": False,
        "n_cache_reuse": 0,
        "grammar": f"root ::= {' '.join(f'<[{token}]>' for token in wanted)}",
        "response_fields": ["completion_probabilities", "tokens_evaluated", "tokens_predicted", "timings"],
    }
    answer = await patiently(lambda: _post(caller, body, seconds))
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise incomplete("the answer is no JSON object")
    read, new = (answer.get(name) for name in ("tokens_evaluated", "tokens_predicted"))
    if type(read) is not int or type(new) is not int:
        raise incomplete("the answer does not say how many tokens it read and wrote")
    checked_length(read, len(before))
    if new != len(wanted):  # a token among them ended the text
        return {}
    told = answer.get("completion_probabilities") or []
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise incomplete("the answer has no list of probabilities")
    places = certain([one.get("id") for one in told], wanted)
    if places is None:
        raise incomplete("the server wrote other tokens than those that it was held to")
    return {at: _number(one) for at, one in zip(places, told, strict=True) if at is not None}


async def _post(caller: Caller, body: dict[str, Any], seconds: float) -> Any:
    """The answer; None where it is that the grammar can't be followed: no grammar lets a token through that ends texts."""
    try:
        return await caller.post("/completion", body, seconds)
    except Unanswered as error:
        if "grammar" in error.outcome.detail.lower():
            return None
        raise


def certain(told: Sequence[Any], wanted: Sequence[int]) -> list[int | None] | None:
    """Of each token in `told`, where in `wanted` it stands, if some tokens of `wanted` are left out and the order is kept:
    None where it may be one of several. None for all where it can't be."""
    first = _fitted(told, wanted)
    last = _fitted(told[::-1], wanted[::-1])
    if first is None or last is None:
        return None
    end = len(wanted) - 1
    return [one if one == end - other else None for one, other in zip(first, last[::-1], strict=True)]


def _fitted(told: Sequence[Any], wanted: Sequence[int]) -> list[int] | None:
    """The earliest places; None where there are none."""
    found: list[int] = []
    at = -1
    for token in told:
        try:
            at = wanted.index(token, at + 1)
        except ValueError:
            return None
        found.append(at)
    return found


def _number(place: dict[str, Any]) -> TokenNumber:
    top = place.get("top_logprobs")
    likeliest = top[0].get("id") if isinstance(top, list) and top and isinstance(top[0], dict) else None
    if type(likeliest) is not int:
        raise incomplete("the answer does not tell the likeliest token")
    return TokenNumber(read_number(place.get("logprob")), likeliest == place.get("id"))
