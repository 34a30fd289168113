"""Scores by llama.cpp's `/completion`, which returns nothing about a prompt: each token is forced to be the next one generated.

The logits are biased so that the wanted token is generated. The server returns the model's own log-probabilities, from before
the bias, and the first of `top_logprobs` is the likeliest token. The prompt except for its last token comes from the server's
cache if that can be cut (`prompt_cache`), so that scoring a token costs as much as generating one. Otherwise the prompt is read
anew for each token, or once for many if a grammar can be used (`forced`). Tokens that end texts, or are part of a character, are
not reported: then a plain token is generated, and the wanted one looked up in the whole vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.forced import AT_ONCE, written
from lsm_eval.endpoints.scoring.numbers import TokenNumber, checked_length, incomplete, read_number
from lsm_eval.endpoints.scoring.places import Places
from lsm_eval.endpoints.scoring.retries import with_retries
from lsm_eval.inference.scoring.plain import TokenRow

_BIAS = 1e6
_MANY = 64
"""How many of the likeliest tokens are requested if several are wanted at one place."""
_ALL = 10_000_000


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """One request per token, or one for many."""

    plain: int
    """A token that the server reports when it is generated."""
    cuts: bool = False
    """Whether prompts may come from the server's cache (`prompt_cache`)."""
    held: bool = False
    """Whether many tokens are scored in one request (`forced`)."""
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
        """Forces only the plain token, as the likeliest one is reported in any case. Without the cache, so that `numbers` is
        compared with a prompt that was read anew."""
        told = await self._ask(caller, tokens, self.plain, 1, seconds, cached=False)
        if told is None:
            raise incomplete("it returns no log-probability of the token that it generates")
        token, value = next(iter(told.items()))
        return token, read_number(value)

    async def _place(
        self, caller: Caller, before: tuple[int, ...], wanted: list[int], seconds: float
    ) -> dict[int, TokenNumber]:
        """The log-probability of each of the tokens `wanted` after `before`."""
        found: dict[int, TokenNumber] = {}
        for token in wanted:
            if token in found:
                continue
            top = _MANY if len(wanted) > 1 else 1
            told = await self._ask(caller, before, token, top, seconds)
            if told is None or token not in told:
                told = await self._ask(caller, before, self.plain, _ALL, seconds)
            if told is None or token not in told:
                raise incomplete(f"the answer does not report token {token}")
            # `told` holds the likeliest first, so that its first token is the greedy one for all that are wanted.
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
        """Log-probabilities by token, unparsed, the likeliest first: of the `top` likeliest, and of `token`. None if it is not
        reported."""
        body = {
            "prompt": list(before),
            "n_predict": 1,
            "n_probs": top,
            "temperature": 0,
            "cache_prompt": cached and self.cuts,
            "n_cache_reuse": 0,  # cached parts of other prompts, moved to other positions, would change the numbers
            "logit_bias": [[token, _BIAS]],
            "response_fields": ["completion_probabilities", "tokens_evaluated", "timings"],
        }
        # Retried by itself: if one lost answer meant scoring all tokens again, a long text might never be finished.
        answer = await with_retries(lambda: caller.post("/completion", body, seconds))
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
            raise incomplete(f"the server did not generate token {token} when it was forced to")
        found = {_id(one): one.get("logprob") for one in place.get("top_logprobs") or ()}
        if not found:
            raise incomplete("the answer does not give the likeliest token")
        found.setdefault(token, place.get("logprob"))
        return found


def _id(entry: Any) -> int:
    number = entry.get("id") if isinstance(entry, dict) else None
    if type(number) is not int:
        raise incomplete("a token has no id")
    return number
