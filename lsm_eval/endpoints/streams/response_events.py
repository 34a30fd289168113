"""The events of a streamed response (Responses API): the last one holds the complete response."""

from __future__ import annotations

import json
from typing import Any

from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.streams.chunks import DONE

_LAST = frozenset(
    {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done"}
)


class ResponseEvents:
    """One response in events. Repeated or missing parts do not matter, as the last event holds everything."""

    def __init__(self) -> None:
        self._response: dict[str, Any] = {}
        self._items: dict[str, dict[str, Any]] = {}
        """By output index, or else by id."""
        self._error: Any = None
        self._wrong: Retryable | None = None
        self.ended = False
        """Whether the last event came."""
        self.worded = False
        """Whether a part with text came, thoughts included."""

    @property
    def usage(self) -> Any:
        """The last count of tokens."""
        return self._response.get("usage")

    def take(self, name: str, data: bytes) -> bool:
        """Take an event. Returns whether it was the last that matters."""
        if data.strip() == DONE:
            return True
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self._wrong = Retryable("malformed", "a part of the stream is no JSON object")
            return True
        kind = event.get("type")
        kind = kind if isinstance(kind, str) and kind else name
        if kind == "error" or (event.get("error") and "response" not in event):
            self._error = event.get("error") or event
            return True
        if isinstance(event.get("response"), dict):
            self._response = event["response"]
        elif kind in _LAST:
            self._wrong = Retryable("malformed", "the last part of the stream holds no response")
            return True
        self.worded = self.worded or bool(event.get("delta"))
        item = event.get("item")
        if kind == "response.output_item.done" and isinstance(item, dict):
            self._items[json.dumps(event.get("output_index", item.get("id")))] = item
        self.ended = kind in _LAST
        return self.ended

    def whole(self) -> dict[str, Any] | Retryable:
        """The response, or what is wrong with the stream."""
        if self._wrong is not None:
            return self._wrong
        if self._error is not None:
            return {"error": self._error}
        if not self._response and not self._items:
            return Retryable("empty_stream", "the stream ended without any text")
        if not self.ended:
            return {**self._response, "status": "in_progress", "output": list(self._items.values())}
        if self._response.get("output"):
            return self._response
        # Some servers leave the output out of the last event; an empty answer has no items at all.
        items = list(self._items.values())
        return {**self._response, "output": items or [{"type": "message", "content": ""}]}
