"""Scores by SGLang's `/generate` with `return_logprob`: log-probabilities from a given place of the prompt on, so that the part
before it can come from the server's cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.numbers import (
    TokenNumber,
    checked_length,
    incomplete,
    read_number,
)
from lsm_eval.endpoints.scoring.portioned import in_portions
from lsm_eval.inference.scoring.plain import TokenRow


@dataclass(frozen=True, slots=True)
class SGLang:
    """All continuations of a context in one request."""

    new: int = 0
    """Tokens that are also generated."""
    name: ClassVar[str] = "sglang"
    spare: ClassVar[int] = 2

    async def numbers(
        self, caller: Caller, rows: Sequence[TokenRow], seconds: float
    ) -> list[list[TokenNumber]]:
        async def ask(some: Sequence[TokenRow]) -> list[dict[str, Any]]:
            body = {
                "input_ids": [list(row.tokens) for row in some],
                "sampling_params": {"max_new_tokens": self.new, "temperature": 0},
                "return_logprob": True,
                # The entry of this place itself has no value.
                "logprob_start_len": [len(row.tokens) - row.scored - 1 for row in some],
                "top_logprobs_num": 1,
            }
            return _answers(await caller.post("/generate", body, seconds), len(some))

        return await in_portions(rows, ask, _read)

    async def likeliest(
        self, caller: Caller, tokens: Sequence[int], seconds: float
    ) -> tuple[int | str, float]:
        body = {
            "input_ids": list(tokens),
            "sampling_params": {"max_new_tokens": 1, "temperature": 0},
            "return_logprob": True,
        }
        (answer,) = _answers(await caller.post("/generate", body, seconds), 1)
        entries = answer.get("output_token_logprobs")
        if not isinstance(entries, list) or not entries:
            raise incomplete("it returns no log-probability of the token that it generates")
        value, token = _entry(entries[0])
        return token, read_number(value)


def _answers(answer: Any, count: int) -> list[dict[str, Any]]:
    """`meta_info` of each prompt."""
    whole = answer if isinstance(answer, list) else [answer]
    found = [one.get("meta_info") if isinstance(one, dict) else None for one in whole]
    if len(found) != count or not all(isinstance(one, dict) for one in found):
        raise incomplete(f"{len(found)} answers came to {count} prompts, or one without meta_info")
    return [one for one in found if isinstance(one, dict)]


def _read(answer: dict[str, Any], row: TokenRow) -> list[TokenNumber]:
    entries, tops = answer.get("input_token_logprobs"), answer.get("input_top_logprobs")
    if not isinstance(entries, list) or not isinstance(tops, list) or len(tops) != len(entries):
        raise incomplete("the answer has no log-probabilities of the prompt")
    count = answer.get("prompt_tokens")
    if type(count) is int:
        checked_length(count, len(row.tokens))
    # One more than are scored; if a server starts elsewhere, its tokens show it.
    if len(entries) < row.scored:
        raise incomplete(f"the answer reports {len(entries)} tokens, and {row.scored} are scored")
    found = []
    for at, token in enumerate(row.tokens[-row.scored :], len(entries) - row.scored):
        value, told = _entry(entries[at])
        if told != token:
            raise incomplete(f"the answer has token {told} in the place of {token}")
        own, top = read_number(value), tops[at]
        if not isinstance(top, list) or not top:
            raise incomplete("the answer does not give the likeliest token of each place")
        best, likeliest = _entry(top[0])
        found.append(TokenNumber(own, likeliest == token or own > read_number(best)))
    return found


def _entry(entry: Any) -> tuple[Any, int]:
    """Log-probability and id of `[logprob, id, text]`."""
    if not isinstance(entry, list) or len(entry) < 2 or type(entry[1]) is not int:
        raise incomplete("an entry is no pair of log-probability and token")
    return entry[0], entry[1]
