"""Scores many tokens in one request to llama.cpp: a grammar allows only a text's tokens, in their order (llama.cpp since
December 2025).

The server returns the model's own log-probabilities, from before the grammar. It leaves out tokens that end texts or are part
of a character, without saying where: a log-probability is used only if it can belong to just one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.scoring.calling import Caller, Unanswered
from lsm_eval.endpoints.scoring.numbers import TokenNumber, checked_length, incomplete, read_number
from lsm_eval.endpoints.scoring.retries import with_retries

AT_ONCE = 256
"""The most tokens of one request: if it fails, all are lost."""


async def written(
    caller: Caller, before: Sequence[int], wanted: Sequence[int], seconds: float
) -> dict[int, TokenNumber]:
    """By its index in `wanted`, the log-probability of each token after `before` and the wanted tokens before it; without
    those that the server leaves out, which may be all. Raises `Unanswered`."""
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
    answer = await with_retries(lambda: _post(caller, body, seconds))
    if answer is None:
        return {}
    if not isinstance(answer, dict):
        raise incomplete("the answer is no JSON object")
    read, new = (answer.get(name) for name in ("tokens_evaluated", "tokens_predicted"))
    if type(read) is not int or type(new) is not int:
        raise incomplete("the answer does not say how many tokens it read and generated")
    checked_length(read, len(before))
    if new != len(wanted):  # a token among them ended the text
        return {}
    told = answer.get("completion_probabilities") or []
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise incomplete("the answer has no list of probabilities")
    places = certain([one.get("id") for one in told], wanted)
    if places is None:
        raise incomplete("the server generated other tokens than the grammar allows")
    return {at: _number(one) for at, one in zip(places, told, strict=True) if at is not None}


async def _post(caller: Caller, body: dict[str, Any], seconds: float) -> Any:
    """The answer; None if the server says that the grammar cannot be followed: no grammar allows a token that ends texts."""
    try:
        return await caller.post("/completion", body, seconds)
    except Unanswered as error:
        if "grammar" in error.outcome.detail.lower():
            return None
        raise


def certain(told: Sequence[Any], wanted: Sequence[int]) -> list[int | None] | None:
    """For each token in `told`, its index in `wanted`, given that some tokens of `wanted` are left out and the order is kept:
    None if several are possible. None altogether if it does not fit."""
    first = _fitted(told, wanted)
    last = _fitted(told[::-1], wanted[::-1])
    if first is None or last is None:
        return None
    end = len(wanted) - 1
    return [one if one == end - other else None for one, other in zip(first, last[::-1], strict=True)]


def _fitted(told: Sequence[Any], wanted: Sequence[int]) -> list[int] | None:
    """The earliest possible indices; None if there are none."""
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
        raise incomplete("the answer does not give the likeliest token")
    return TokenNumber(read_number(place.get("logprob")), likeliest == place.get("id"))
