"""One try of one request: sent, read, and judged on the first of its kind, which tells whether the server works at all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.asking import Api, Manner, Path, body, path_of
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Again, Outcome, Refused
from lsm_eval.endpoints.reading import read_answer, read_fault, retry_after
from lsm_eval.endpoints.server import key_refused
from lsm_eval.endpoints.transport import Transport
from lsm_eval.endpoints.window import Job
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated, Perplexity, Request, Score

if TYPE_CHECKING:
    from lsm_eval.endpoints.scoring.scorer import Scorer

_ALIKE = frozenset({"model", "stream", "temperature"})
"""Fields that are the same in every request that is not drawn."""
_OF_NO_REQUEST = frozenset({401, 402})
"""Statuses that say something of the key or its account: every other request would be refused, too."""


class Asker:
    """Tries requests at one server."""

    def __init__(
        self,
        requests: Sequence[Request],
        model: str,
        api: Api,
        address: Address,
        key: Key,
        transport: Transport,
        manner: Manner,
        scorer: Scorer | None = None,
    ) -> None:
        """`scorer` answers what asks how likely a text is."""
        self._requests, self._model, self._api = requests, model, api
        self._address, self._key, self._transport = address, key, transport
        self._manner, self._scorer = manner, scorer
        self._answered: set[Path] = set()
        """Paths at which something was answered."""

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        """Try a request once. Raises `UserError` for the first request of its kind, where no other would fare better."""
        request = self._requests[job.place]
        if self._scorer is None or not (isinstance(request, Score | Perplexity) or request.detail):
            assert isinstance(request, Generate)
            return await self._text(request, job, seconds)
        outcome = await self._scorer.attempt(request, lambda own: self._text(own, job, seconds), seconds)
        if isinstance(outcome, Refused) and outcome.status in _OF_NO_REQUEST:
            self._explain(outcome, "completions")
        return outcome

    async def _text(self, request: Generate, job: Job, seconds: float) -> Outcome:
        path = path_of(request, self._api)
        outcome = await self._try(request, path, job, seconds)
        if (
            isinstance(outcome, Refused)
            and path == "chat/completions"
            and self._manner.limit == "max_tokens"
            and outcome.status in (400, 422)
            and "max_completion_tokens" in outcome.detail
        ):
            self._manner.limit = "max_completion_tokens"
            outcome = await self._try(request, path, job, seconds)
        if isinstance(outcome, Refused):
            outcome = replace(outcome, detail=self._key.hidden(outcome.detail))
            if path not in self._answered or outcome.status in _OF_NO_REQUEST:
                self._explain(outcome, path)
        elif isinstance(outcome, Again):
            outcome = replace(outcome, detail=self._key.hidden(outcome.detail))
        else:
            self._answered.add(path)
        return outcome

    async def _try(self, request: Generate, path: Path, job: Job, seconds: float) -> Outcome:
        stops = job.fault != "stopped_early"
        sent = body(request, self._model, path, self._manner, stops=stops)
        found = await self._transport.post(path, sent, seconds, alone=job.fault == "duplicate")
        if isinstance(found, Again):
            return found
        status, content, headers = found
        if status == 200:
            counts = self._manner.counts
            # A server of which no answer had a count, and this one had none the last time: it does not count.
            if counts is None and job.fault == "no_usage":
                counts = False
            outcome = read_answer(content, request, path, stops=stops, counts=counts is not False)
            if isinstance(outcome, Generated):
                self._manner.counts = outcome.tokens is not None
            return outcome
        return read_fault(status, content, retry_after(headers.get("Retry-After"), time.time()))

    def _explain(self, refused: Refused, path: Path) -> None:
        """Raise `UserError` where the refusal is of no single request."""
        where = f"{self._address.url}/{path}"
        if refused.status == 401:
            raise UserError(key_refused(self._address, 401, refused.detail.partition(": ")[2]))
        if refused.status == 402:
            raise UserError(
                f"{where} wants to be paid first ({refused.detail}): see to it, and run the same command again; all that was "
                "answered is kept."
            )
        if refused.status == 403:
            raise UserError(
                f"{where} does not let this key ask {self._model!r} ({refused.detail}): ask for access."
            )
        if refused.status in (404, 405):
            other = "completions" if path == "chat/completions" else "chat"
            above = "" if self._address.url != self._address.root else ", which ends with /v1 at most servers"
            raise UserError(
                f"{where} is not there for the model {self._model!r} ({refused.detail}): mend the model's name or "
                f"--base-url{above}, or ask with --api {other}."
            )
        if 300 <= refused.status < 400:
            raise UserError(
                f"{where} sends elsewhere ({refused.detail}): give --base-url the address it sends to."
            )
        if refused.parameter in _ALIKE and refused.status in (400, 422):
            raise UserError(
                f"the model {self._model!r} does not take {refused.parameter!r} as it is sent with every request "
                f"({refused.detail}): it cannot be asked here."
            )
