"""Whole answers as the responses and the streams that say the same: what servers send, for servers of the tests' own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
_PIECE = re.compile(r"\s*\S+|\s+")
_STATUS = {"stop": "completed", "length": "incomplete", "content_filter": "incomplete"}


def pieces(text: str) -> list[str]:
    """Words, each with the space before it."""
    return _PIECE.findall(text)


def event(data: Any, name: str = "") -> bytes:
    """One event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def chunks(whole: Json, *, usage: bool = True) -> Iterator[Json]:
    """The chunks of a chat completion, or of a completion."""
    (choice,) = whole["choices"]
    kind = "chat.completion.chunk" if "message" in choice else "text_completion"
    head = {"id": whole.get("id", "x"), "created": 1, "model": whole.get("model"), "object": kind}

    def chunk(delta: Json, finish: str | None = None) -> Json:
        part: Json = {"index": 0, "finish_reason": finish}
        part |= {"delta": delta} if "message" in choice else {"text": delta.get("text", "")}
        return {**head, "choices": [part]}

    message: Json = choice.get("message") or {"text": choice.get("text")}
    if "message" in choice:
        yield chunk({"role": "assistant", "content": ""})
    for name in (
        "reasoning_content",
        "reasoning",
        "reasoning_details",
        "content",
        "refusal",
        "text",
        "tool_calls",
    ):
        value = message.get(name)
        for piece in pieces(value) if isinstance(value, str) else value or ():
            yield chunk({name: piece if isinstance(value, str) else [piece]})
    yield chunk({}, choice["finish_reason"])
    if usage:
        yield {**head, "choices": [], "usage": whole.get("usage")}


def chunk_events(whole: Json, *, usage: bool = True) -> list[bytes]:
    """The same as events, `[DONE]` the last of them."""
    return [*map(event, chunks(whole, usage=usage)), event("[DONE]")]


def response(whole: Json) -> Json:
    """A chat completion as an answer of the Responses API."""
    (choice,) = whole["choices"]
    message, usage, finish = choice["message"], whole.get("usage"), choice["finish_reason"]
    output: list[Json] = []
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    if thoughts:
        part = {"type": "reasoning_text", "text": thoughts}
        output.append({"type": "reasoning", "id": "rs_1", "summary": [], "content": [part]})
    parts: list[Json] = []
    if message.get("content") is not None:
        parts.append({"type": "output_text", "text": message["content"], "annotations": []})
    if message.get("refusal") is not None:
        parts.append({"type": "refusal", "refusal": message["refusal"]})
    if parts:
        status = "incomplete" if finish == "length" else "completed"
        output.append(
            {"type": "message", "id": "msg_1", "role": "assistant", "status": status, "content": parts}
        )
    reason = {"length": "max_output_tokens"}.get(finish, finish)
    counted = usage and {
        "input_tokens": usage["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": usage["completion_tokens"],
        "output_tokens_details": usage.get("completion_tokens_details") or {"reasoning_tokens": 0},
        "total_tokens": usage["total_tokens"],
    }
    return {
        "id": whole.get("id", "resp_1"),
        "object": "response",
        "created_at": 1,
        "model": whole.get("model"),
        "status": _STATUS.get(finish, "in_progress"),
        "error": None,
        "incomplete_details": {"reason": reason} if _STATUS.get(finish) == "incomplete" else None,
        "output": output,
        "usage": counted,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def response_stream(whole: Json) -> list[bytes]:
    """A response as events."""
    made: list[bytes] = []

    def add(kind: str, **fields: Any) -> None:
        made.append(event({"type": kind, "sequence_number": len(made), **fields}, kind))

    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    add("response.created", response=begun)
    add("response.in_progress", response=begun)
    for at, item in enumerate(whole["output"]):
        add("response.output_item.added", output_index=at, item={**item, "content": []})
        place: Json = {"item_id": item["id"], "output_index": at, "content_index": 0}
        for part in item.get("content") or ():
            kind = f"response.{part['type']}"
            name = "refusal" if part["type"] == "refusal" else "text"
            empty = {**part, name: ""}
            add("response.content_part.added", **place, part=empty)
            for piece in pieces(part[name]):
                add(f"{kind}.delta", **place, delta=piece, logprobs=[])
            add(f"{kind}.done", **place, **{name: part[name]}, logprobs=[])
            add("response.content_part.done", **place, part=part)
        add("response.output_item.done", output_index=at, item=item)
    add(f"response.{whole['status']}", response=whole)
    return made


def streamed(body: Json, whole: Json) -> list[bytes]:
    """The events that a request with `stream: true` gets."""
    if "input" in body:
        return response_stream(whole)
    return chunk_events(whole, usage=bool((body.get("stream_options") or {}).get("include_usage")))
