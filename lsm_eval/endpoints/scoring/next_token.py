"""The next token of a completion and its log-probability, in any of the servers' formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.outcome import Refused
from lsm_eval.endpoints.scoring.calling import Caller, Unanswered
from lsm_eval.endpoints.scoring.numbers import choices_of, incomplete, read_number

_AS_ID = "token_id:"


async def next_of_completion(
    caller: Caller, tokens: Sequence[int], seconds: float
) -> tuple[int | str, float]:
    """Through completions with `logprobs`. Raises `Unanswered`."""
    body: dict[str, Any] = {
        "model": caller.model,
        "prompt": list(tokens),
        "max_tokens": 1,
        "temperature": 0,
        "logprobs": 1,
        "stream": False,
    }
    try:
        answer = await caller.post("completions", {**body, "return_tokens_as_token_ids": True}, seconds)
    except Unanswered as error:
        if not isinstance(error.outcome, Refused):
            raise
        answer = await caller.post("completions", body, seconds)  # some servers refuse unknown fields
    (choice,) = choices_of(answer, 1)
    told = choice.get("logprobs")
    if not isinstance(told, dict):
        raise incomplete("it returns no log-probability of the token that it generates")
    values, names = told.get("token_logprobs"), told.get("tokens")
    if not isinstance(values, list) or not isinstance(names, list) or len(values) != 1 or len(names) != 1:
        raise incomplete("it returns no log-probability of the token that it generates")
    return token_of(names[0]), read_number(values[0])


def token_of(name: Any) -> int | str:
    """A token as its id if the server gives that (`token_id:17`), otherwise as its text."""
    if not isinstance(name, str):
        raise incomplete("a token is no text")
    number = name.removeprefix(_AS_ID)
    return int(number) if number != name and number.isdecimal() else name
