"""One try of one request: it is sent and its answer read; a refusal of the first of its kind tells that the server cannot be used."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lsm_eval.endpoints.adapting import adapt
from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.asking import Api, Path, Quirks, body, path_of
from lsm_eval.endpoints.budget import FIELDS as BUDGETS
from lsm_eval.endpoints.budget import most_tokens
from lsm_eval.endpoints.constraint import unwrapped
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Outcome, Refused, Retryable
from lsm_eval.endpoints.reading import read_answer, read_fault, wait_of
from lsm_eval.endpoints.replica import Job
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.server import key_refused
from lsm_eval.endpoints.streams.quirks import Streaming
from lsm_eval.endpoints.streams.stream import Stream
from lsm_eval.endpoints.transport import Transport
from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Generated, Perplexity, Request, Score

if TYPE_CHECKING:
    from lsm_eval.endpoints.scoring.scorer import Scorer

_ALIKE = frozenset({"model", "stream", "temperature", *BUDGETS})
"""Fields that are the same in every greedy request."""
_MOST_WISHES = 4  # times that one request is sent, each time in a form that a refusal asked for
_TOO_SLOW = frozenset({408, 504, 524})
"""Statuses of proxies that timed out while waiting for a complete answer."""
_ALONE = frozenset({"duplicate", "connection"})
"""Faults after which a request gets its own connection, as the cause may be a connection that was kept open."""
_OF_NO_REQUEST = frozenset({401, 402})
"""Statuses that concern the key or its account: every other request would be refused, too."""


class RequestSender:
    """Tries requests at one server."""

    def __init__(
        self,
        requests: Sequence[Request],
        model: str,
        api: Api,
        address: Address,
        key: Key,
        transport: Transport,
        quirks: Quirks,
        streaming: Streaming = "auto",
        retry_policy: RetryPolicy | None = None,
        note: Callable[[str], None] = lambda text: None,
        scorer: Scorer | None = None,
        firsts: array[float] | None = None,
    ) -> None:
        """`scorer` answers requests for likelihoods. The seconds to the first part of each stream are added to `firsts`."""
        self._requests, self._model, self._api = requests, model, api
        self._address, self._key, self._transport = address, key, transport
        self._quirks, self._streaming, self._scorer = quirks, streaming, scorer
        self._retry_policy, self._note = retry_policy or RetryPolicy(), note
        self._firsts = array("d") if firsts is None else firsts
        self._answered: set[Path] = set()
        """Paths that have given an answer."""
        self._doubted: set[int] = set()
        """Requests whose streams seemed to repeat a part."""

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        """Try a request once. Raises `UserError` if the first request of its kind is refused for a reason that holds for all."""
        request = self._requests[job.place]
        if self._scorer is None or not (isinstance(request, Score | Perplexity) or request.detail):
            assert isinstance(request, Generate)
            return await self._text(request, job, seconds)
        outcome = await self._scorer.attempt(request, lambda own: self._text(own, job, seconds), seconds)
        if isinstance(outcome, Refused) and outcome.status in _OF_NO_REQUEST:
            self.explain(outcome, "completions")
        return outcome

    async def _text(self, request: Generate, job: Job, seconds: float) -> Outcome:
        path = path_of(request, self._api)
        for _ in range(_MOST_WISHES):
            sent, streamed = self._sent(request, path, job)
            outcome = await self._try(request, path, job, seconds, sent, streamed=streamed)
            if isinstance(outcome, Generated):
                self._answered.add(path)
                return outcome
            if not isinstance(outcome, Refused):
                break
            auto = self._streaming == "auto"
            for said in adapt(self._quirks, outcome, request, path, streamed=streamed if auto else None):
                self._note(f"openai:{self._model} {said}")
            # This refusal, or that of a concurrent request, may have changed what is sent.
            if self._sent(request, path, job)[0] == sent:
                break
        if isinstance(outcome, Refused):
            outcome = replace(outcome, detail=self._key.hidden(outcome.detail))
            if path not in self._answered or outcome.status in _OF_NO_REQUEST:
                self.explain(outcome, path)
        elif isinstance(outcome, Retryable):
            outcome = replace(outcome, detail=self._key.hidden(outcome.detail))
        else:
            self._answered.add(path)
        return outcome

    def _sent(self, request: Generate, path: Path, job: Job) -> tuple[bytes, bool]:
        """The body to send now, and whether a stream is requested: not if a part seemed to come twice, since an answer that
        is not streamed settles that."""
        quirks = self._quirks.streaming
        settles = job.fault == "repeated" and quirks.gives != "streams"
        stream = not settles and quirks.wanted(self._streaming, most_tokens(request))
        stops = job.fault != "stopped_early"
        return body(request, self._model, path, self._quirks, stops=stops, stream=stream), stream

    async def _try(
        self, request: Generate, path: Path, job: Job, seconds: float, sent: bytes, *, streamed: bool
    ) -> Outcome:
        stops = job.fault != "stopped_early" and path != "responses"
        quirks = self._quirks.streaming
        stream: Stream | None = None
        if streamed:
            # As with counts below: if the last try ended without [DONE] as well, the server does not send it.
            ends = quirks.ends if quirks.ends is not None else job.fault != "no_done"
            stream = Stream(path, quirks, self._retry_policy, ends=ends, sure=job.place in self._doubted)
        began = time.monotonic()
        alone = job.fault in _ALONE
        found = await self._transport.post(path, sent, seconds, alone=alone, stream=stream)
        lost = (
            found.fault in ("connection", "timeout")
            if isinstance(found, Retryable)
            else found[0] in _TOO_SLOW
        )
        if stream is None and lost:
            quirks.lost(time.monotonic() - began, most_tokens(request))
        if isinstance(found, Retryable):
            if found.fault == "repeated":
                self._doubted.add(job.place)
            return found
        status, content, headers = found
        if status == 200:
            counts = self._quirks.counts if stream is None else quirks.counts
            # No answer of this server had a count so far, nor this one in its last try: it does not count.
            if counts is None and job.fault == "no_usage":
                counts = False
            outcome = read_answer(content, request, path, stops=stops, counts=counts is not False)
            if isinstance(outcome, Generated):
                counts = outcome.tokens is not None
                if stream is None:
                    self._quirks.counts = counts
                else:
                    quirks.counts, quirks.ends = counts, stream.ended
                    if stream.first is not None:
                        self._firsts.append(stream.first - began)
                if request.choices:
                    outcome = unwrapped(outcome, request.choices, self._quirks.constraints[path])
            return outcome
        return read_fault(status, content, wait_of(headers, time.time()))

    def explain(self, refused: Refused, path: Path) -> None:
        """Raises `UserError` if the refusal would meet every request."""
        where = f"{self._address.url}/{path}"
        if refused.status == 401:
            raise UserError(key_refused(self._address, 401, refused.detail.partition(": ")[2]))
        if refused.status == 402:
            raise UserError(
                f"{where} requires payment ({refused.detail}): top up the account, and run the same command again; all "
                "answers so far are kept."
            )
        if refused.status == 403:
            raise UserError(
                f"{where} does not let this key ask {self._model!r} ({refused.detail}): ask for access."
            )
        if refused.status in (404, 405):
            other = {"chat/completions": "--api completions", "completions": "--chat on"}.get(
                path, "--api chat"
            )
            above = "" if self._address.url != self._address.root else ", which ends with /v1 at most servers"
            raise UserError(
                f"{where} is not there for the model {self._model!r} ({refused.detail}): correct the model's name or "
                f"--base-url{above}, or ask with {other}."
            )
        if 300 <= refused.status < 400:
            raise UserError(
                f"{where} redirects ({refused.detail}): give --base-url the address it redirects to."
            )
        named = refused.parameter or next((name for name in BUDGETS if name in refused.detail), None)
        if named in _ALIKE and refused.status in (400, 422):
            raise UserError(
                f"the model {self._model!r} does not take {named!r} as it is sent with every request "
                f"({refused.detail}): it cannot be asked here."
            )
