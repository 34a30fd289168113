"""Turns a streamed answer into the JSON of an unstreamed one, so that both are read alike."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.streams.chunks import Chunks
from lsm_eval.endpoints.streams.events import Events
from lsm_eval.endpoints.streams.quirks import StreamQuirks
from lsm_eval.endpoints.streams.response_events import ResponseEvents

_JSON = json.JSONEncoder(ensure_ascii=False)


class Stream:
    """An answer that is still being received."""

    def __init__(
        self, path: str, quirks: StreamQuirks, retry_policy: RetryPolicy, *, ends: bool, sure: bool
    ) -> None:
        """`ends`: the server ends streams with `[DONE]`. `sure`: report a repeated part only if there is no doubt."""
        self._events = Events()
        self._parts: Chunks | ResponseEvents = (
            ResponseEvents() if path == "responses" else Chunks(chat=path == "chat/completions")
        )
        self._quirks, self._ends, self._sure = quirks, ends, sure
        self._over = False
        self.first: float | None = None
        """When the first part with text came (`time.monotonic`)."""
        self.stall_seconds = retry_policy.stall_seconds
        """The most seconds without any data after the first."""
        self.most_seconds = retry_policy.stream_seconds

    @property
    def ended(self) -> bool:
        """Whether it ended regularly."""
        return self._parts.ended

    def feed(self, data: bytes) -> bool:
        """Take bytes, split anywhere. Returns whether nothing that matters comes after them."""
        self._take(self._events.feed(data))
        return self._over

    def whole(self) -> bytes | Retryable:
        """The answer as it would have come without a stream, in JSON, or what is wrong with the stream."""
        if not self._over:
            self._take(self._events.end())
        if isinstance(self._parts, Chunks):
            found = self._parts.whole(self._quirks, ends=self._ends, sure=self._sure)
        else:
            found = self._parts.whole()
        if not isinstance(found, Retryable):
            return _encoded(found)
        # After a stream broke off, the server may have generated and charged more than it said.
        usage = self._parts.usage if self.ended else None
        return replace(found, counted=_encoded({"usage": usage})) if usage else found

    def _take(self, events: list[tuple[str, bytes]]) -> None:
        for name, data in events:
            if self._over:
                return
            self._over = self._parts.take(name, data)
            if self.first is None and self._parts.worded:
                self.first = time.monotonic()


def _encoded(whole: object) -> bytes:
    text = _JSON.encode(whole)
    try:
        return text.encode()
    except UnicodeEncodeError:  # lone surrogates
        return json.dumps(whole).encode()
