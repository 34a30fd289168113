"""llama.cpp's `/completion`, which tells nothing of a prompt: each token is made to be the next one, and read.

The logits are biased so that the wanted token is written. What is told of it are the model's own numbers, from before the
bias, and the first of `top_logprobs` is the likeliest one. The prompt but for its last token comes from the server's
cache where that can be cut (`prompt_cache`), so that a token costs what one costs to write. Elsewhere it is read anew for each
token, or, where the server can be held to a text (`held`), once for many. Of a token that ends texts, or is a part of a
character, nothing is told: there a plain token is written, and the wanted one looked up among all of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.held import AT_ONCE, written
from lsm_eval.endpoints.scoring.numbers import TokenNumber, checked_length, incomplete, read_number
from lsm_eval.endpoints.scoring.patiently import patiently
from lsm_eval.endpoints.scoring.places import Places
from lsm_eval.inference.scoring.plain import TokenRow

_BIAS = 1e6
_MANY = 64
"""Likeliest tokens that are asked for where several are wanted at one place."""
_ALL = 10_000_000


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """One request a token, or one for many."""

    plain: int
    """A token that the server tells of when it is written."""
    cuts: bool = False
    """Whether prompts may come from the server's cache (`prompt_cache`)."""
    held: bool = False
    """Whether many tokens are asked in one request (`held`)."""
    name: ClassVar[str] = "llama.cpp"
    spare: ClassVar[int] = 1

    async def numbers(
        self, caller: Caller, rows: Sequence[TokenRow], seconds: float
    ) -> list[list[TokenNumber]]:
        places = Places(rows)
        if self.held:
            for row, at, end in places.runs(AT_ONCE):
                found = await written(caller, row.tokens[:at], row.tokens[at:end], seconds)
                places.learn(row, at, found)
        for place in places.unknown():
            place.known |= await self._place(caller, place.before, place.unknown, seconds)
        return places.numbers()

    async def likeliest(
        self, caller: Caller, tokens: Sequence[int], seconds: float
    ) -> tuple[int | str, float]:
        """With no token made to be the next, but a plain one: all that is told is of the place. Without the cache, so that
        `numbers` is held against what was read anew."""
        told = await self._ask(caller, tokens, self.plain, 1, seconds, cached=False)
        if told is None:
            raise incomplete("it tells no log-probability of the token that it writes")
        token, value = next(iter(told.items()))
        return token, read_number(value)

    async def _place(
        self, caller: Caller, before: tuple[int, ...], wanted: list[int], seconds: float
    ) -> dict[int, TokenNumber]:
        """Of each of the tokens `wanted` after `before`."""
        found: dict[int, TokenNumber] = {}
        for token in wanted:
            if token in found:
                continue
            top = _MANY if len(wanted) > 1 else 1
            told = await self._ask(caller, before, token, top, seconds)
            if told is None or token not in told:
                told = await self._ask(caller, before, self.plain, _ALL, seconds)
            if told is None or token not in told:
                raise incomplete(f"the answer does not tell of token {token}")
            # `told` holds the likeliest first. Only what was among the likeliest stands for all that is wanted.
            first = next(iter(told))
            for one in wanted:
                if one in told and one not in found:
                    found[one] = TokenNumber(read_number(told[one]), one == first)
        return found

    async def _ask(
        self,
        caller: Caller,
        before: Sequence[int],
        token: int,
        top: int,
        seconds: float,
        *,
        cached: bool = True,
    ) -> dict[int, Any] | None:
        """Log-probabilities by token as they were sent, the likeliest first: of the `top` likeliest, and of `token`. None
        where nothing is told of it."""
        body = {
            "prompt": list(before),
            "n_predict": 1,
            "n_probs": top,
            "temperature": 0,
            "cache_prompt": cached and self.cuts,
            "n_cache_reuse": 0,  # parts of other prompts, moved to other places, have other numbers
            "logit_bias": [[token, _BIAS]],
            "response_fields": ["completion_probabilities", "tokens_evaluated", "timings"],
        }
        # By itself: were all tokens of a text asked again for one, a long one would never be whole where some answers are lost.
        answer = await patiently(lambda: caller.post("/completion", body, seconds))
        if not isinstance(answer, dict):
            raise incomplete("the answer is no JSON object")
        count = answer.get("tokens_evaluated")
        if type(count) is not int:
            raise incomplete("the answer does not say how many tokens it read")
        checked_length(count, len(before))
        places = answer.get("completion_probabilities")
        if not places:
            return None
        place = places[0] if isinstance(places, list) and len(places) == 1 else None
        if not isinstance(place, dict) or place.get("id") != token:
            raise incomplete(f"the server did not write token {token} when it was made to")
        found = {_id(one): one.get("logprob") for one in place.get("top_logprobs") or ()}
        if not found:
            raise incomplete("the answer does not tell the likeliest token")
        found.setdefault(token, place.get("logprob"))
        return found


def _id(entry: Any) -> int:
    number = entry.get("id") if isinstance(entry, dict) else None
    if type(number) is not int:
        raise incomplete("a token has no id")
    return number
