"""From the bytes of an answer and their arrival times to chunks with token counts: read after the measurement, when time does not matter.

The tokens of a chunk are known if the server states them: as ids, or as a running count in every chunk (vLLM's and SGLang's
`continuous_usage_stats`, llama.cpp's `timings`). If it only counts at the end, and there are as many chunks with text as tokens, each
chunk is one token, since none has less than one; if there is one token more, an answer that ended by itself has it in its end. In all
other cases the counts are unknown, and nothing is made up.
"""

from __future__ import annotations

import json
from itertools import accumulate

from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.reading import error_text
from lsm_eval.profiling.serving.answer_events import AnswerStream, BadAnswer, pieces, read_events, token_count
from lsm_eval.profiling.serving.stamps import TimedRequest
from lsm_eval.profiling.serving.wire import Exchange
from lsm_eval.reasoning.split import split

_WHOLE = frozenset(
    {
        "stop", "eos", "eos_token", "stop_sequence", "end_turn", "length", "max_tokens", "tool_calls", "function_call",
    }
)  # fmt: skip
"""Finish reasons of complete answers; all others (`abort`, `error`, `content_filter`) are those of incomplete ones."""
_MOST_SAID = 300
_MOST_STILL = 0.1  # largest share of the chunks with text at which a token count may not increase


def read_request(exchange: Exchange, path: str, index: int, key: Key) -> TimedRequest:
    """The request of an exchange, with its answer's chunks and counts."""
    found = TimedRequest(
        index, exchange.started, sent=exchange.sent, headers=exchange.headers, ended=exchange.ended
    )
    if exchange.failure is not None:
        found.failure, found.detail = exchange.failure, exchange.detail
    read = AnswerStream()
    try:
        if exchange.failure is None:
            _check_head(exchange, key)
        if exchange.head is not None and exchange.head.status == 200:
            read_events(exchange, path, read, key)
        if found.failure is None and not (read.finish or read.done):
            raise BadAnswer("cut", "the stream ended before the answer did")
        if found.failure is None and not read.chunks:
            raise BadAnswer("empty", "the stream ended without a word")
        if found.failure is None and read.finish and read.finish.lower() not in _WHOLE:
            raise BadAnswer("aborted", f"the answer ended for the reason {read.finish[:40]!r}")
    except BadAnswer as error:
        if found.failure is None:
            found.failure, found.detail = error.args[0], key.hidden(error.args[1])[:_MOST_SAID]
    _fill(found, read)
    return found


def _check_head(exchange: Exchange, key: Key) -> None:
    head = exchange.head
    if head is None:
        raise BadAnswer("connection", "no answer came")
    if head.status != 200:
        raise BadAnswer(f"status {head.status}", _said(key.taken_out(body(exchange), said=False)))
    if head.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise BadAnswer("compressed", "the server compresses streams although it was asked not to")
    if "json" in head.headers.get("content-type", "").lower():
        # An answer in one piece has no first token; an error may have this form, too.
        whole = body(exchange)
        said = _said(key.taken_out(whole, said=False))
        if said and b'"choices"' not in whole and b'"output"' not in whole:
            raise BadAnswer("error", said)
        raise BadAnswer("no stream", "the server gave the answer as a whole, not as a stream")


def body(exchange: Exchange) -> bytes:
    """The content of an answer, as far as it arrived."""
    return b"".join(piece for _, piece in pieces(exchange))


def _fill(found: TimedRequest, read: AnswerStream) -> None:
    """Fill in what was read from the answer."""
    usage, timings = read.usage, read.timings
    found.chunks, found.finish = read.chunks, read.finish
    found.prompt_tokens = _first(token_count(usage, "prompt_tokens"), token_count(usage, "input_tokens"))
    found.output_tokens = _first(token_count(usage, "completion_tokens"), token_count(usage, "output_tokens"))
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    found.reasoning_tokens = token_count(details, "reasoning_tokens")
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    found.cached_tokens = _first(token_count(details, "cached_tokens"), token_count(timings, "cache_n"))
    if found.output_tokens is None and timings:
        found.output_tokens = token_count(timings, "predicted_n")
    _count_chunks(found, read)
    _mark_thoughts(found, read)


def _count_chunks(found: TimedRequest, read: AnswerStream) -> None:
    """Set how many tokens each chunk holds, if known, and who counted them."""
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
        still = sum(
            not counts[at] for at in texted
        )  # such as the rest of a character whose tokens were counted before
        if min(counts) < 0 or still > max(1, _MOST_STILL * len(texted)):
            counts = None  # this count does not grow with the text
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


def _filled(read: AnswerStream, whole: int | None) -> list[int] | None:
    """Cumulative tokens for each chunk; a chunk that only ends the answer may lack them. None if a chunk with text does."""
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


def _mark_thoughts(found: TimedRequest, read: AnswerStream) -> None:
    """Mark thoughts within the text (`<think>`): all chunks before the answer's first character."""
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


def _first(*numbers: int | None) -> int | None:
    return next((number for number in numbers if number is not None), None)


def _said(content: bytes) -> str:
    try:
        return error_text(json.loads(content))
    except (ValueError, RecursionError):
        return " ".join(content[:_MOST_SAID].decode("utf-8", "replace").split())
