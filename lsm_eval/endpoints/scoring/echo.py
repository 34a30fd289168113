"""Completions with `echo` and `logprobs`: the prompt is returned with a log-probability for each of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.next_token import next_of_completion, token_of
from lsm_eval.endpoints.scoring.numbers import (
    TokenNumber,
    checked_length,
    choices_of,
    incomplete,
    read_number,
)
from lsm_eval.endpoints.scoring.portioned import in_portions
from lsm_eval.inference.scoring.plain import TokenRow


@dataclass(frozen=True, slots=True)
class Echo:
    """All continuations of a context in one request."""

    new: int = 0
    """Tokens that are also generated: some servers do not take 0."""
    name: ClassVar[str] = "echo"
    spare: ClassVar[int] = 2

    async def numbers(
        self, caller: Caller, rows: Sequence[TokenRow], seconds: float
    ) -> list[list[TokenNumber]]:
        async def ask(some: Sequence[TokenRow]) -> list[dict[str, Any]]:
            body = {
                "model": caller.model,
                "prompt": [list(row.tokens) for row in some],
                "max_tokens": self.new,
                "temperature": 0,
                "echo": True,
                "logprobs": 1,
                "stream": False,
            }
            return choices_of(await caller.post("completions", body, seconds), len(some))

        return await in_portions(rows, ask, self._read)

    async def likeliest(
        self, caller: Caller, tokens: Sequence[int], seconds: float
    ) -> tuple[int | str, float]:
        return await next_of_completion(caller, tokens, seconds)

    def _read(self, choice: dict[str, Any], row: TokenRow) -> list[TokenNumber]:
        told = choice.get("logprobs")
        told = told if isinstance(told, dict) else {}
        values, tops, names = (told.get(name) for name in ("token_logprobs", "top_logprobs", "tokens"))
        if not isinstance(values, list) or not isinstance(names, list):
            raise incomplete("the answer has no log-probabilities of the prompt")
        if not isinstance(tops, list) or len(tops) != len(values) or len(names) != len(values):
            raise incomplete("the answer does not give the likeliest token of each place")
        size = len(row.tokens)
        if not size <= len(values) <= size + self.new:
            checked_length(len(values), size)
        found = []
        for at in range(size - row.scored, size):
            own, name, top = read_number(values[at]), token_of(names[at]), tops[at]
            if isinstance(name, int) and name != row.tokens[at]:
                raise incomplete(f"the answer has token {name} in the place of {row.tokens[at]}")
            if not isinstance(top, dict) or not top:
                raise incomplete("the answer does not give the likeliest token of each place")
            found.append(TokenNumber(own, own >= max(map(read_number, top.values()))))
        return found
