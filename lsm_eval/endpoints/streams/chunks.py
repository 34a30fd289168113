"""Assembles the chunks of chat completions and completions into the answer that a server would send without a stream."""

from __future__ import annotations

import json
from typing import Any

from lsm_eval.endpoints.outcome import Fault, Retryable
from lsm_eval.endpoints.streams.pieces import Pieces
from lsm_eval.endpoints.streams.quirks import StreamQuirks

DONE = b"[DONE]"


class Chunks:
    """One answer in chunks."""

    def __init__(self, *, chat: bool) -> None:
        self._chat = chat
        self._message = Pieces()
        self._finish: Any = None
        self.usage: Any = None
        """The last count of tokens."""
        self._id: Any = None
        self._some = False
        """Whether a chunk had a choice."""
        self._wrong: Retryable | None = None
        self._error: Any = None
        self._last = b""
        self._worded = 0
        """Chunks with text."""
        self._same = 0
        """Those of them that equal the one before, byte for byte."""
        self._padded = False
        """Whether one of those holds padding, which is random in each chunk."""
        self._counted = False
        """Whether one of those holds a count of tokens, which at most servers grows with each chunk."""
        self.ended = False
        """Whether `[DONE]` came."""

    @property
    def worded(self) -> bool:
        """Whether a part with text came, thoughts included."""
        return self._worded > 0

    def take(self, name: str, data: bytes) -> bool:
        """Take an event. Returns whether it was the last that matters."""
        if data == DONE or data.strip() == DONE:
            self.ended = True
            return True
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            chunk = None
        if not isinstance(chunk, dict):
            return self._broken("malformed", "a part of the stream is no JSON object")
        if chunk.get("error") or name == "error":
            self._error = chunk.get("error") or chunk
            return True
        if chunk.get("usage"):
            self.usage = chunk["usage"]
        if self._id is None:
            self._id = chunk.get("id")
        choices = chunk.get("choices") or []
        for choice in choices if isinstance(choices, list) else [choices]:
            if not isinstance(choice, dict):
                return self._broken("malformed", "the choices of a part of the stream are no objects")
            if choice.get("index"):
                return self._broken("interleaved", "the stream holds a second answer, and one was asked for")
            self._some = True
            self._finish = choice.get("finish_reason") or self._finish
            fields = choice.get("delta") if self._chat else {"text": choice.get("text")}
            if fields is not None and not isinstance(fields, dict):
                return self._broken("malformed", "a part of the stream has no message")
            if fields and self._message.add(fields):
                self._worded += 1
                if data == self._last:
                    self._same += 1
                    self._padded = self._padded or bool(chunk.get("obfuscation"))
                    self._counted = self._counted or bool(chunk.get("usage"))
                self._last = data
        return False

    def whole(self, quirks: StreamQuirks, *, ends: bool, sure: bool) -> dict[str, Any] | Retryable:
        """The answer, or what is wrong with the stream. `ends`: the server ends streams with `[DONE]`. `sure`: report a
        repeated part only if there is no doubt."""
        if self._wrong is not None:
            return self._wrong
        if self._error is not None:
            return {"error": self._error}
        if not self._some:
            return Retryable("empty_stream", "the stream ended without any text")
        if ends and self._finish and not self.ended:
            return Retryable("no_done", "the stream ended without [DONE]")
        message = self._message.whole()
        if self._repeats(message, quirks, sure=sure):
            return Retryable("repeated", "a part of the stream came twice")
        choice: dict[str, Any] = {"index": 0, "finish_reason": self._finish}
        if not self._chat:
            choice["text"] = message.get("text") or ""
        else:
            # An empty answer comes without a content; if there are thoughts, they may be all that was generated.
            if not any(value for name, value in message.items() if name != "role"):
                message["content"] = ""
            choice["message"] = message
        whole = {"choices": [choice], "usage": self.usage}
        return whole if self._id is None else {"id": self._id, **whole}

    def _broken(self, fault: Fault, detail: str) -> bool:
        self._wrong = Retryable(fault, detail)
        return True

    def _repeats(self, message: dict[str, Any], quirks: StreamQuirks, *, sure: bool) -> bool:
        """Whether a part came twice: there are more parts with text than tokens, and as many parts equal the one before, or
        as many in a row equal those before them. A text that repeats itself has the tokens for it."""
        if self._padded or (self._counted and not sure):
            return True
        tokens = self._tokens(message)
        if tokens is None or not isinstance(self._finish, str):
            return False
        more = self._worded - tokens
        expected = 0 if sure else min(0, quirks.excess.get(self._finish, 0))
        if more > expected:
            if self._same >= more - expected:
                return True
            if more - expected > 1 and _in_a_row(self._message.texts(), more - expected):
                return True
        if not self._same:
            quirks.excess[self._finish] = max(more, quirks.excess.get(self._finish, more))
        return False

    def _tokens(self, message: dict[str, Any]) -> int | None:
        """The tokens that the parts show; None if the server does not count them."""
        usage = self.usage if isinstance(self.usage, dict) else {}
        count, details = usage.get("completion_tokens"), usage.get("completion_tokens_details")
        hidden = details.get("reasoning_tokens") if isinstance(details, dict) else None
        if type(count) is not int or count < 1:
            return None
        thought = any(message.get(name) for name in ("reasoning_content", "reasoning", "reasoning_details"))
        return count if thought or type(hidden) is not int else count - hidden


def _in_a_row(texts: list[str], many: int) -> bool:
    """Whether `many` pieces in a row equal the `many` before them."""
    run = 0
    for before, after in zip(texts, texts[many:], strict=False):
        run = run + 1 if before == after else 0
        if run >= many:
            return True
    return False
