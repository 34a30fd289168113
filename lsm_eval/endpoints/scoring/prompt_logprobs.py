"""Scores by vLLM's `prompt_logprobs`: the log-probability and the rank of every token of a prompt.

It always covers the whole prompt, so the server does not use its prefix cache. Rows with one scored token use
`logprob_token_ids` if the server has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.next_token import next_of_completion
from lsm_eval.endpoints.scoring.numbers import (
    TokenNumber,
    checked_length,
    choices_of,
    incomplete,
    read_number,
)
from lsm_eval.endpoints.scoring.portioned import in_portions
from lsm_eval.endpoints.scoring.token_ids import numbers_by_id
from lsm_eval.inference.scoring.plain import TokenRow


@dataclass(frozen=True, slots=True)
class PromptLogprobs:
    """All continuations of a context in one request."""

    ids: bool = False
    """Score single tokens by `token_ids`."""
    name: ClassVar[str] = "prompt_logprobs"
    spare: ClassVar[int] = 2

    async def numbers(
        self, caller: Caller, rows: Sequence[TokenRow], seconds: float
    ) -> list[list[TokenNumber]]:
        single = [row for row in rows if self.ids and row.scored == 1]
        longer = [row for row in rows if not self.ids or row.scored != 1]
        by_id = iter(await numbers_by_id(caller, single, seconds))

        async def ask(some: Sequence[TokenRow]) -> list[dict[str, Any]]:
            body = {
                "model": caller.model,
                "prompt": [list(row.tokens) for row in some],
                "max_tokens": 1,
                "temperature": 0,
                "prompt_logprobs": 1,
                "stream": False,
            }
            return choices_of(await caller.post("completions", body, seconds), len(some))

        by_prompt = iter(await in_portions(longer, ask, _read))
        return [next(by_id if self.ids and row.scored == 1 else by_prompt) for row in rows]

    async def likeliest(
        self, caller: Caller, tokens: Sequence[int], seconds: float
    ) -> tuple[int | str, float]:
        return await next_of_completion(caller, tokens, seconds)


def _read(choice: dict[str, Any], row: TokenRow) -> list[TokenNumber]:
    places = choice.get("prompt_logprobs")
    if not isinstance(places, list):
        raise incomplete("the answer has no prompt_logprobs")
    checked_length(len(places), len(row.tokens))
    return [
        _number(places[at], row.tokens[at]) for at in range(len(row.tokens) - row.scored, len(row.tokens))
    ]


def _number(place: Any, token: int) -> TokenNumber:
    own = place.get(str(token)) if isinstance(place, dict) else None
    if not isinstance(own, dict):
        raise incomplete(f"the answer does not report token {token} at its place")
    logprob = read_number(own.get("logprob"))
    # Tied tokens all get the last of their ranks; the one that the server would choose is then listed alone.
    return TokenNumber(logprob, own.get("rank") == 1 or len(place) == 1)
