"""The probe: sends a server a few short requests, one after the other, and reports how it behaves."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.asking import Path, Quirks
from lsm_eval.endpoints.constraint import order, unwrapped
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Refused, Retryable
from lsm_eval.endpoints.probe import questions
from lsm_eval.endpoints.probe.findings import Findings, PathFindings
from lsm_eval.endpoints.reading import read_fault, wait_of
from lsm_eval.endpoints.request_sender import RequestSender
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.server import ServerUnreachable
from lsm_eval.endpoints.transport import Transport
from lsm_eval.requests import Generate, Generated

_SECONDS = 120.0
"""The most for one try."""
_TRIES = 3
"""Tries of an optional request."""


class ProbeUnanswered(Exception):
    """A necessary request of the probe had no complete answer, so that nothing is known."""


async def run_probe(
    address: Address,
    key: Key,
    model: str,
    paths: Sequence[Path],
    known: Findings,
    retry_policy: RetryPolicy,
) -> tuple[Findings, bool]:
    """`known` with these paths added, and whether all requests were answered. Raises `UserError` if the first request is refused for a
    reason that holds for all, and `ProbeUnanswered` if it has no complete answer."""
    transport = Transport(address, key)
    probe = _Probe(address, key, model, transport, retry_policy)
    found = dict(known.paths)
    try:
        for path in paths:
            other = next(iter(found.values()), None)
            found[path] = await probe.path(path, known.kind, other)
    finally:
        await transport.close()
    made = replace(known, paths=found, requests=known.requests + probe.requests, at=time.time())
    return made, not probe.lost


class _Probe:
    def __init__(
        self, address: Address, key: Key, model: str, transport: Transport, retry_policy: RetryPolicy
    ) -> None:
        self._address, self._key, self._model = address, key, model
        self._transport, self._retry_policy = transport, retry_policy
        self.requests = 0
        self.lost = 0
        """Requests without a complete answer."""

    async def path(self, path: Path, kind: str | None, other: PathFindings | None) -> PathFindings:
        """How one path behaves. `other`: findings about another path, which samples texts in the same way."""
        quirks = Quirks(
            temperature=other is None or other.temperature != "refused",
            seed=other is None or other.seed != "refused",
        )
        whole = await self._first(path, quirks)
        text, thoughts, where = questions.said(whole, path)
        found = PathFindings(
            limit=quirks.limit,
            temperature="taken" if quirks.temperature else "refused",
            thoughts=where,  # type: ignore[arg-type]
        )
        if other is not None:
            found = replace(found, greedy=other.greedy, seed=other.seed)
        else:
            found = await self._draws(path, quirks, found, text + thoughts)
        found = await self._stops(path, quirks, found, text, thoughts)
        for how in order(kind):
            request = questions.constrained(path, thinks=where is not None)
            said = await self._ask(path, questions.sent(request, self._model, path, quirks, how))
            if isinstance(said, Mapping):
                own = Generated(questions.said(said, path)[0], None, "stop")
                own = unwrapped(own, request.choices, how)
                if own.text in request.choices:
                    found = replace(found, constraint=how)
                    break
        if path == "completions":
            said = await self._ask(path, questions.by_ids(self._model))
            if not isinstance(said, Retryable):
                found = replace(
                    found, token_ids=questions.takes_ids(said) if isinstance(said, Mapping) else False
                )
        return found

    async def _first(self, path: Path, quirks: Quirks) -> Mapping[str, Any]:
        """The answer to the first request, in the form that the server accepts, which `quirks` then describes."""
        request, tries = questions.letters(path), self._retry_policy.tries
        said = await self._ask(path, questions.sent(request, self._model, path, quirks), tries)
        while isinstance(said, Refused) and said.status in (400, 422):
            if "max_completion_tokens" in said.detail and quirks.limit == "max_tokens":
                quirks.limit = "max_completion_tokens"
            elif quirks.temperature and (
                said.parameter == "temperature" or (not said.parameter and "temperature" in said.detail)
            ):
                quirks.temperature = False
            else:
                break
            said = await self._ask(path, questions.sent(request, self._model, path, quirks), tries)
        if isinstance(said, Refused):
            sender = RequestSender((), self._model, "auto", self._address, self._key, self._transport, quirks)
            sender.explain(said, path)
            raise ProbeUnanswered
        if isinstance(said, Retryable):
            if said.fault == "connection":
                raise ServerUnreachable(
                    f"{self._address.url} did not answer the first request (connection: {said.detail}): start the server, "
                    "and run the same command again."
                )
            raise ProbeUnanswered
        return said

    async def _draws(self, path: Path, quirks: Quirks, found: PathFindings, greedy: str) -> PathFindings:
        again = await self._text(path, quirks, questions.letters(path))
        if quirks.temperature and again and greedy:
            found = replace(found, greedy=again == greedy)
        said = await self._ask(path, questions.sent(questions.sampled(path, 1), self._model, path, quirks))
        if isinstance(said, Refused):
            return replace(found, seed="refused" if "seed" in f"{said.parameter}{said.detail}" else None)
        first = "".join(questions.said(said, path)[:2]) if isinstance(said, Mapping) else ""
        same = await self._text(path, quirks, questions.sampled(path, 1))
        other = await self._text(path, quirks, questions.sampled(path, 2))
        if first and same and other and not first == same == other:
            found = replace(found, seed="kept" if first == same else "ignored")
        return found

    async def _stops(
        self, path: Path, quirks: Quirks, found: PathFindings, text: str, thoughts: str
    ) -> PathFindings:
        stop = questions.piece(text or thoughts)
        if stop is None:
            return found
        said = await self._ask(path, questions.sent(questions.stopped(path, stop), self._model, path, quirks))
        if isinstance(said, Refused):
            refused = said.status in (400, 422) and "stop" in f"{said.parameter}{said.detail}"
            return replace(found, stop="refused") if refused else found
        if isinstance(said, Retryable):
            return found
        cut, cut_thoughts, _ = questions.said(said, path)
        if text:
            return replace(found, stop=questions.stop_kept(text, cut, stop))  # type: ignore[arg-type]
        what = questions.stop_kept(thoughts, cut_thoughts, stop)
        return replace(found, stop_in_thoughts=None if what is None else what != "ignored")

    async def _text(self, path: Path, quirks: Quirks, request: Generate) -> str:
        """Text and thoughts; empty if there is no complete answer."""
        said = await self._ask(path, questions.sent(request, self._model, path, quirks))
        return "".join(questions.said(said, path)[:2]) if isinstance(said, Mapping) else ""

    async def _ask(
        self, path: Path, body: bytes, most: int = _TRIES
    ) -> Mapping[str, Any] | Refused | Retryable:
        """A complete answer, or why there is none. Retries as a run does."""
        began, tries, alone = time.monotonic(), 0, False
        while True:
            tries += 1
            self.requests += 1
            outcome = await self._try(path, body, alone=alone)
            if not isinstance(outcome, Retryable):
                return outcome
            wait = self._retry_policy.wait(tries, outcome.wait, random.random)
            late = time.monotonic() - began + wait >= self._retry_policy.seconds
            if tries >= min(most, self._retry_policy.tries) or late:
                self.lost += 1
                return outcome
            alone = outcome.fault == "duplicate"
            await asyncio.sleep(wait)

    async def _try(self, path: Path, body: bytes, *, alone: bool) -> Mapping[str, Any] | Refused | Retryable:
        seconds = min(_SECONDS, self._retry_policy.attempt_seconds)
        found = await self._transport.post(path, body, seconds, alone=alone)
        if isinstance(found, Retryable):
            return replace(found, detail=self._key.hidden(found.detail))
        status, content, headers = found
        if status != 200:
            fault = read_fault(status, content, wait_of(headers, time.time()))
            assert isinstance(fault, Retryable | Refused)
            return replace(fault, detail=self._key.hidden(fault.detail))
        try:
            whole = json.loads(content)
        except (ValueError, RecursionError):
            return Retryable("malformed", f"the answer is no JSON ({len(content):,} bytes)")
        if not isinstance(whole, dict) or not whole.get("choices"):
            return Retryable("no_choices", "the answer has no choices")
        return whole
