"""From the bytes of an answer and their moments to chunks with tokens: read after the measurement, when time is no matter.

The tokens of a chunk are known where the server says them: ids, or a count so far in every chunk (vLLM's and SGLang's
`continuous_usage_stats`, llama.cpp's `timings`). Where it only counts at the end, and there are as many chunks with text as tokens, each is one
token, since none has less than one; with one token more, an answer that ended by itself has it in what ended it. In all other
cases nobody knows, and nothing is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.reading import error_text
from lsm_eval.endpoints.streams.chunks import DONE
from lsm_eval.endpoints.streams.events import Events
from lsm_eval.profiling.serving.framing import BrokenFraming
from lsm_eval.profiling.serving.stamps import Chunk, Timed
from lsm_eval.profiling.serving.wire import Exchange
from lsm_eval.reasoning.split import split

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
_WHOLE = frozenset(
    {
        "stop", "eos", "eos_token", "stop_sequence", "end_turn", "length", "max_tokens", "tool_calls", "function_call",
    }
)  # fmt: skip
"""Reasons to end of an answer that came to its end; all others (`abort`, `error`, `content_filter`) are those of one that did not."""
_MOST_SAID = 300
_MOST_STILL = 0.1  # of the chunks with text, at which a count of tokens may stand still


class _Wrong(Exception):
    """The answer is none; `args`: class and words."""


@dataclass(slots=True)
class _Read:
    """What was read of one answer so far."""

    chunks: list[Chunk] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Of the answer, parallel; empty where a chunk is thoughts."""
    totals: list[int | None] = field(default_factory=list)
    """Tokens so far, as the server says in each chunk."""
    ids: list[int | None] = field(default_factory=list)
    """Number of token ids in each chunk."""
    usage: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)
    finish: str | None = None
    done: bool = False


def timed(exchange: Exchange, path: str, index: int, key: Key) -> Timed:
    """One request as it is kept."""
    found = Timed(index, exchange.started, sent=exchange.sent, headers=exchange.headers, ended=exchange.ended)
    if exchange.failure is not None:
        found.failure, found.detail = exchange.failure, exchange.detail
    read = _Read()
    try:
        if exchange.failure is None:
            _check_head(exchange, key)
        if exchange.head is not None and exchange.head.status == 200:
            _read_events(exchange, path, read, key)
        if found.failure is None and not (read.finish or read.done):
            raise _Wrong("cut", "the stream ended before the answer did")
        if found.failure is None and not read.chunks:
            raise _Wrong("empty", "the stream ended without a word")
        if found.failure is None and read.finish and read.finish.lower() not in _WHOLE:
            raise _Wrong("aborted", f"the answer ended for the reason {read.finish[:40]!r}")
    except _Wrong as error:
        if found.failure is None:
            found.failure, found.detail = error.args[0], key.hidden(error.args[1])[:_MOST_SAID]
    _fill(found, read)
    return found


def _check_head(exchange: Exchange, key: Key) -> None:
    head = exchange.head
    if head is None:
        raise _Wrong("connection", "no answer came")
    if head.status != 200:
        raise _Wrong(f"status {head.status}", _said(key.taken_out(body(exchange), said=False)))
    if head.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise _Wrong("compressed", "the server compresses streams although it was asked not to")
    if "json" in head.headers.get("content-type", "").lower():
        # An answer as a whole has no first token; an error may come so, too.
        whole = body(exchange)
        said = _said(key.taken_out(whole, said=False))
        if said and b'"choices"' not in whole and b'"output"' not in whole:
            raise _Wrong("error", said)
        raise _Wrong("no stream", "the server gave the answer as a whole, not as a stream")


def body(exchange: Exchange) -> bytes:
    """The content of an answer, as far as it came."""
    return b"".join(piece for _, piece in _pieces(exchange))


def _pieces(exchange: Exchange) -> Iterator[tuple[int, bytes]]:
    """The body's pieces, each with the moment when it came."""
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


def _read_events(exchange: Exchange, path: str, read: _Read, key: Key) -> None:
    events = Events()
    last = exchange.ended or exchange.started
    take = _take_response if path == "responses" else _take_chunk
    for at, piece in _pieces(exchange):
        last = at
        for name, data in events.feed(piece):
            _take(take, name, data, at, read, path, key)
    for name, data in events.end():
        _take(take, name, data, last, read, path, key)


def _take(take: Any, name: str, data: bytes, at: int, read: _Read, path: str, key: Key) -> None:
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
        raise _Wrong("malformed", "a part of the stream is no JSON object")
    if part.get("error") or name == "error":
        # The key is taken out before anything is cut: half a key would be found by nobody.
        part = json.loads(key.taken_out(data, said=False))
        raise _Wrong("error", error_text(part) or "an error came in the midst of the stream")
    take(name, part, at, read, path == "chat/completions")


def _take_chunk(name: str, part: dict[str, Any], at: int, read: _Read, chat: bool) -> None:
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
    total = _count(usage, "completion_tokens")
    if total is None and isinstance(part.get("timings"), dict):
        total = _count(part["timings"], "predicted_n")
    ids = next((len(choice[one]) for one in _IDS if isinstance(choice.get(one), list)), None)
    if not answer and not thought and not finish and not ids and not _grown(read, total):
        return  # a role, or a sign of life
    if not answer and not thought and read.chunks:
        thought = read.chunks[-1].thought  # what only ends them belongs to them
        _add(read, Chunk(at, None, text=False, thought=thought), "", total, ids)
        return
    words = "".join(one if isinstance(one, str) else "\N{REPLACEMENT CHARACTER}" for one in answer)
    _add(read, Chunk(at, None, bool(answer) or thought, thought and not answer), words, total, ids)


def _grown(read: _Read, total: int | None) -> bool:
    """Whether more tokens are there than before, though no text yet: half a letter, say."""
    return bool(total) and total > (read.totals[-1] or 0 if read.totals else 0)  # type: ignore[operator]


def _take_response(name: str, part: dict[str, Any], at: int, read: _Read, chat: bool) -> None:
    kind = part.get("type")
    kind = kind if isinstance(kind, str) and kind else name
    if kind in _LAST_EVENTS:
        response = part.get("response")
        response = response if isinstance(response, dict) else {}
        if kind == "response.failed":
            raise _Wrong("error", error_text(response) or "the server says that it failed")
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


def _add(read: _Read, chunk: Chunk, text: str, total: int | None, ids: int | None) -> None:
    read.chunks.append(chunk)
    read.texts.append(text)
    read.totals.append(total)
    read.ids.append(ids)


def _fill(found: Timed, read: _Read) -> None:
    """What was read of the answer."""
    usage, timings = read.usage, read.timings
    found.chunks, found.finish = read.chunks, read.finish
    found.prompt_tokens = _first(_count(usage, "prompt_tokens"), _count(usage, "input_tokens"))
    found.output_tokens = _first(_count(usage, "completion_tokens"), _count(usage, "output_tokens"))
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    found.reasoning_tokens = _count(details, "reasoning_tokens")
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    found.cached_tokens = _first(_count(details, "cached_tokens"), _count(timings, "cache_n"))
    if found.output_tokens is None and timings:
        found.output_tokens = _count(timings, "predicted_n")
    _count_chunks(found, read)
    _mark_thoughts(found, read)


def _count_chunks(found: Timed, read: _Read) -> None:
    """Say how many tokens each chunk holds, where that is known, and by whom."""
    chunks = read.chunks
    if not chunks:
        return
    texted = [at for at, chunk in enumerate(chunks) if chunk.text]
    counts: list[int] | None = None
    if texted and all(read.ids[at] for at in texted):
        counts, by = [count or 0 for count in read.ids], "server (token ids)"
    elif (texted or read.timings) and (totals := _filled(read, found.output_tokens)) is not None:
        counts = [after - before for before, after in zip([0, *totals], totals, strict=False)]
        by = "server (a count a chunk)"
        still = sum(not counts[at] for at in texted)  # such as the rest of a letter whose tokens have come
        if min(counts) < 0 or still > max(1, _MOST_STILL * len(texted)):
            counts = None  # no count that grows with the text
    if counts is None and found.output_tokens:
        spare = found.output_tokens - len(texted)
        ends = not chunks[-1].text and found.finish == "stop"
        if texted and (spare == 0 or (spare == 1 and ends)):
            counts = [int(chunk.text) for chunk in chunks]
            counts[-1] += spare
            by = "server (as many tokens as chunks)"
    if counts is None or (found.output_tokens is not None and sum(counts) > found.output_tokens):
        return
    for chunk, count in zip(chunks, counts, strict=True):
        chunk.tokens = count
    found.counted_by = by
    if found.output_tokens is None:
        found.output_tokens = sum(counts)


def _filled(read: _Read, whole: int | None) -> list[int] | None:
    """Tokens so far, a chunk; what only ends an answer may say nothing of them. None where a chunk with text does not."""
    found: list[int] = []
    for at, (chunk, total) in enumerate(zip(read.chunks, read.totals, strict=True)):
        if total is None and not chunk.text:
            total = found[-1] if found else 0
            if at == len(read.chunks) - 1 and whole is not None:
                total = whole
        if total is None:
            return None
        found.append(total)
    return found


def _mark_thoughts(found: Timed, read: _Read) -> None:
    """Thoughts inside of the text (`<think>`): chunks before the answer's first letter belong to them."""
    whole = "".join(read.texts)
    if not any(mark in whole for mark in ("think", "channel", "reason", "thought")):
        return
    parts = split(whole)
    if parts.cut:
        start = len(whole)
    elif parts.thoughts and whole.endswith(parts.answer):
        start = len(whole) - len(parts.answer)
    else:
        return
    for chunk, end, text in zip(read.chunks, accumulate(map(len, read.texts)), read.texts, strict=True):
        if text and end <= start:
            chunk.thought = True


def _count(row: Any, name: str) -> int | None:
    value = row.get(name) if isinstance(row, dict) else None
    return value if type(value) is int and value >= 0 else None


def _first(*numbers: int | None) -> int | None:
    return next((number for number in numbers if number is not None), None)


def _said(content: bytes) -> str:
    try:
        return error_text(json.loads(content))
    except (ValueError, RecursionError):
        return " ".join(content[:_MOST_SAID].decode("utf-8", "replace").split())
