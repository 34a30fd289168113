"""Answers requests for likelihoods by the route that was verified for a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar, cast

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Outcome
from lsm_eval.endpoints.scoring.calling import Caller, Unanswered
from lsm_eval.endpoints.scoring.find_scoring import Scoring
from lsm_eval.endpoints.scoring.numbers import TokenNumber, sequence_scores
from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.models.answers import scored_answer
from lsm_eval.requests import Failure, Generate, Generated, Likelihood, Perplexity, Request, Score

T = TypeVar("T")
_MANY = 1_000_000


class Scorer:
    """Answers requests by a route. Lives in one event loop."""

    def __init__(
        self, scoring: Scoring, address: Address, key: Key, model: str, encoding: ThreadPoolExecutor
    ) -> None:
        """`encoding`: one thread for all scorers of a model, as its encoder is not thread-safe, and may have to wait for the
        server's tokenizer."""
        route = scoring.finding.build_route()
        assert route is not None
        assert scoring.requests is not None
        self._route, self._requests = route, scoring.requests
        self._caller = Caller(address, key, model)
        # One context per slot: with more in flight, each token would make a slot read another context anew.
        self._turns = asyncio.Semaphore(scoring.limits.slots or _MANY)
        self._encoding = encoding
        self._scored = 0
        """Requests that were scored, each with at least one post."""

    def listen(self, hears: Callable[[Mapping[str, str], float], None]) -> None:
        """Have `hears` called with the headers of every answer, and the mean number of posts per request."""
        self._caller.listen(lambda headers: hears(headers, max(self._caller.posts / max(self._scored, 1), 1)))

    async def attempt(
        self, request: Request, write: Callable[[Generate], Awaitable[Outcome]], seconds: float
    ) -> Outcome:
        """Try a request once. `write` generates the text of a request that needs one before it is scored."""
        try:
            if isinstance(request, Generate):
                return await self._written(request, write, seconds)
            own = await self._encoded(self._rows, request)
            if isinstance(own, Failure):
                return own
            rows, cut = own
            if not rows:
                return Likelihood(0.0, 0)  # an empty text
            numbers = await self._numbers(rows, seconds)
            return scored_answer(request, rows, sequence_scores(numbers), cut)
        except Unanswered as error:
            return error.outcome

    async def _written(
        self, request: Generate, write: Callable[[Generate], Awaitable[Outcome]], seconds: float
    ) -> Outcome:
        answer = await write(request)
        if not isinstance(answer, Generated) or not answer.text or answer.thoughts:
            return answer
        own = await self._encoded(self._requests.completion, request, answer.text)
        if isinstance(own, Failure):
            return own
        (numbers,) = await self._numbers(own[0], seconds)
        return replace(answer, logprob=sum(one.logprob for one in numbers))

    async def close(self) -> None:
        """Close all connections."""
        await self._caller.close()

    async def _numbers(self, rows: Sequence[TokenRow], seconds: float) -> list[list[TokenNumber]]:
        async with self._turns:
            self._scored += 1
            return await self._route.numbers(self._caller, rows, seconds)

    def _rows(self, request: Score | Perplexity) -> Failure | tuple[Sequence[TokenRow], int]:
        rows = self._requests.refusal(request) or self._requests.rows(request)
        return cast("Failure | tuple[Sequence[TokenRow], int]", rows)  # a decoder-only model's

    async def _encoded(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._encoding, work, *arguments)
