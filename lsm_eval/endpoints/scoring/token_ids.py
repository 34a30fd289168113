"""Scores by vLLM's `logprob_token_ids`: how likely each of a few tokens is to come after a prompt.

For choices of one token: the context is sent once, while `prompt_logprobs` needs it once per choice, and the server can use
its prefix cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.next_token import token_of
from lsm_eval.endpoints.scoring.numbers import TokenNumber, choices_of, incomplete, read_number
from lsm_eval.inference.scoring.plain import TokenRow

_AT_ONCE = 64


async def numbers_by_id(caller: Caller, rows: Sequence[TokenRow], seconds: float) -> list[list[TokenNumber]]:
    """The log-probabilities of rows with one scored token each. Raises `Unanswered`."""
    wanted: dict[tuple[int, ...], dict[int, None]] = {}
    for row in rows:
        wanted.setdefault(row.tokens[:-1], {})[row.tokens[-1]] = None
    found: dict[tuple[int, ...], dict[int, TokenNumber]] = {}
    for before, tokens in wanted.items():
        every = list(tokens)
        found[before] = {}
        for at in range(0, len(every), _AT_ONCE):
            found[before] |= await _ask(caller, before, every[at : at + _AT_ONCE], seconds)
    return [[found[row.tokens[:-1]][row.tokens[-1]]] for row in rows]


async def _ask(
    caller: Caller, before: tuple[int, ...], wanted: list[int], seconds: float
) -> dict[int, TokenNumber]:
    body = {
        "model": caller.model,
        "prompt": [list(before)],
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": 0,
        "logprob_token_ids": wanted,
        "return_tokens_as_token_ids": True,
        "stream": False,
    }
    (choice,) = choices_of(await caller.post("completions", body, seconds), 1)
    told = choice.get("logprobs")
    names, tops = (told.get(name) if isinstance(told, dict) else None for name in ("tokens", "top_logprobs"))
    if not isinstance(names, list) or not isinstance(tops, list) or len(names) != 1 or len(tops) != 1:
        raise incomplete("the answer does not report the tokens that were requested")
    written, values = token_of(names[0]), _by_id(tops[0])
    if not isinstance(written, int) or any(token not in values for token in wanted):
        raise incomplete("the answer does not report the tokens that were requested")
    return {token: TokenNumber(read_number(values[token]), token == written) for token in wanted}


def _by_id(top: Any) -> dict[int | str, Any]:
    return {token_of(name): value for name, value in top.items()} if isinstance(top, dict) else {}
