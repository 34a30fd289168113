"""The events of an answer's stream, read from its pieces: texts, thoughts, token counts and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.reading import error_text
from lsm_eval.endpoints.streams.chunks import DONE
from lsm_eval.endpoints.streams.events import Events
from lsm_eval.profiling.serving.framing import BrokenFraming
from lsm_eval.profiling.serving.stamps import Chunk
from lsm_eval.profiling.serving.wire import Exchange

_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
_ANSWER = ("content", "refusal", "tool_calls", "function_call", "audio")
_ANSWER_EVENTS = (
    "response.output_text.delta",
    "response.refusal.delta",
    "response.function_call_arguments.delta",
)
_THOUGHT_EVENTS = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
_LAST_EVENTS = {"response.completed": "stop", "response.incomplete": "length", "response.failed": None}
_IDS = ("token_ids", "tokens", "output_ids")


class BadAnswer(Exception):
    """The answer is invalid; `args`: class of the failure and its description."""


@dataclass(slots=True)
class AnswerStream:
    """What was read from one answer so far."""

    chunks: list[Chunk] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Texts of the answer, parallel to the chunks; empty for thoughts."""
    totals: list[int | None] = field(default_factory=list)
    """Cumulative tokens that the server states in each chunk."""
    ids: list[int | None] = field(default_factory=list)
    """Number of token ids in each chunk."""
    usage: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)
    finish: str | None = None
    done: bool = False


def pieces(exchange: Exchange) -> Iterator[tuple[int, bytes]]:
    """The pieces of an answer's body, each with its arrival time."""
    if exchange.head is None:
        return
    try:
        framing = exchange.head.framing()
    except BrokenFraming:
        return
    skip = exchange.body_at
    for at, part in zip(exchange.arrived, exchange.parts, strict=True):
        if skip >= len(part):
            skip -= len(part)
            continue
        try:
            found, over = framing.pieces(part, skip)
        except BrokenFraming:
            return
        skip = 0
        for piece in found:
            yield at, piece
        if over:
            return


def read_events(exchange: Exchange, path: str, read: AnswerStream, key: Key) -> None:
    events = Events()
    last = exchange.ended or exchange.started
    take = _take_response if path == "responses" else _take_chunk
    for at, piece in pieces(exchange):
        last = at
        for name, data in events.feed(piece):
            _take(take, name, data, at, read, path, key)
    for name, data in events.end():
        _take(take, name, data, last, read, path, key)


def _take(take: Any, name: str, data: bytes, at: int, read: AnswerStream, path: str, key: Key) -> None:
    if read.done:
        return
    if data.strip() == DONE:
        read.done = True
        return
    try:
        part = json.loads(data)
    except (ValueError, RecursionError):
        part = None
    if not isinstance(part, dict):
        raise BadAnswer("malformed", "a part of the stream is no JSON object")
    if part.get("error") or name == "error":
        # The key is removed before the text is cut: half a key would not be recognised.
        part = json.loads(key.taken_out(data, said=False))
        raise BadAnswer("error", error_text(part) or "an error came in the midst of the stream")
    take(name, part, at, read, path == "chat/completions")


def _take_chunk(name: str, part: dict[str, Any], at: int, read: AnswerStream, chat: bool) -> None:
    usage = part.get("usage")
    if isinstance(usage, dict):
        read.usage = usage
    if isinstance(part.get("timings"), dict):
        read.timings = part["timings"]
    choices = part.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return
    choice = choices[0]
    finish = choice.get("finish_reason")
    read.finish = finish if isinstance(finish, str) and finish else read.finish
    if chat:
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        answer = [delta[one] for one in _ANSWER if delta.get(one)]
        thought = any(delta.get(one) for one in _THOUGHTS)
    else:
        answer, thought = [choice["text"]] if choice.get("text") else [], False
    total = token_count(usage, "completion_tokens")
    if total is None and isinstance(part.get("timings"), dict):
        total = token_count(part["timings"], "predicted_n")
    ids = next((len(choice[one]) for one in _IDS if isinstance(choice.get(one), list)), None)
    if not answer and not thought and not finish and not ids and not _grown(read, total):
        return  # only a role, or a keep-alive message
    if not answer and not thought and read.chunks:
        thought = read.chunks[-1].thought  # the end of thoughts belongs to them
        _add(read, Chunk(at, None, text=False, thought=thought), "", total, ids)
        return
    words = "".join(one if isinstance(one, str) else "\N{REPLACEMENT CHARACTER}" for one in answer)
    _add(read, Chunk(at, None, bool(answer) or thought, thought and not answer), words, total, ids)


def _grown(read: AnswerStream, total: int | None) -> bool:
    """Whether the token count has increased although there is no text yet, such as for part of a character."""
    return bool(total) and total > (read.totals[-1] or 0 if read.totals else 0)  # type: ignore[operator]


def _take_response(name: str, part: dict[str, Any], at: int, read: AnswerStream, chat: bool) -> None:
    kind = part.get("type")
    kind = kind if isinstance(kind, str) and kind else name
    if kind in _LAST_EVENTS:
        response = part.get("response")
        response = response if isinstance(response, dict) else {}
        if kind == "response.failed":
            raise BadAnswer("error", error_text(response) or "the server says that it failed")
        usage = response.get("usage")
        read.usage = usage if isinstance(usage, dict) else {}
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        withheld = kind == "response.incomplete" and reason not in (None, "max_output_tokens")
        read.finish, read.done = str(reason) if withheld else _LAST_EVENTS[kind], True
        return
    delta = part.get("delta")
    if kind in _ANSWER_EVENTS and delta:
        _add(read, Chunk(at), delta if isinstance(delta, str) else "", None, None)
    elif kind in _THOUGHT_EVENTS and delta:
        _add(read, Chunk(at, thought=True), "", None, None)


def _add(read: AnswerStream, chunk: Chunk, text: str, total: int | None, ids: int | None) -> None:
    read.chunks.append(chunk)
    read.texts.append(text)
    read.totals.append(total)
    read.ids.append(ids)


def token_count(row: Any, name: str) -> int | None:
    value = row.get(name) if isinstance(row, dict) else None
    return value if type(value) is int and value >= 0 else None
