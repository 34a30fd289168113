"""Converts an answer of the Responses API to the equivalent chat completion, so that both are read alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsm_eval.endpoints.outcome import Retryable

_INCOMPLETE = {"max_output_tokens": "length", "max_tokens": "length"}


def as_chat(whole: Mapping[str, Any], most_tokens: int) -> dict[str, Any] | Retryable:
    """The chat completion, or what is wrong with the response. `most_tokens`: the limit of its new tokens.

    Its text is that of all messages, as OpenAI's client joins them; messages marked as commentary count as thoughts if there
    are others. Thoughts are the full texts of the reasoning items, or else their summaries.
    """
    if whole.get("error"):
        return {"error": whole["error"]}
    output = whole.get("output")
    if output is None:
        return {}
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        return Retryable("malformed", "the response's output is no list of objects")
    said = [item for item in output if item.get("type") == "message"]
    final = [item for item in said if item.get("phase") != "commentary"] or said
    texts: list[Any] = []
    refusals: list[Any] = []
    thoughts: list[Any] = []
    for item in output:
        if item.get("type") == "message":
            into = texts if any(item is one for one in final) else thoughts
            into.extend(_parts(item, "content", "output_text"))
            refusals.extend(_parts(item, "content", "refusal", name="refusal"))
        elif item.get("type") == "reasoning":
            full = _parts(item, "content", "reasoning_text")
            thoughts.append("".join(full) if _texts(full) and full else _summary(item))
    if not _texts(texts) or not _texts(refusals) or not _texts(thoughts):
        return Retryable("malformed", "the response's content is no text")
    message = {
        "content": "".join(texts) if texts else None,
        "reasoning_content": "\n\n".join(one for one in thoughts if one),
        "refusal": "".join(refusals) or None,
    }
    calls = not said and any(str(item.get("type")).endswith("_call") for item in output)
    finish = "tool_calls" if calls else _finish(whole)
    usage = whole.get("usage")
    if finish == "stop" and "incomplete_details" not in whole and isinstance(usage, dict):
        # A server that has no such field (llama.cpp) calls every answer complete.
        count = usage.get("output_tokens")
        finish = "length" if type(count) is int and count >= most_tokens else finish
    found: dict[str, Any] = {"choices": [{"finish_reason": finish, "message": message}]}
    if isinstance(usage, dict):
        found["usage"] = {
            "completion_tokens": usage.get("output_tokens"),
            "completion_tokens_details": usage.get("output_tokens_details"),
        }
    return found


def _finish(whole: Mapping[str, Any]) -> Any:
    """The finish reason as chat completions name it; None if the response does not say that it ended."""
    status = whole.get("status")
    if status == "completed":
        return "stop"
    if status in (None, "in_progress", "queued"):
        return None
    details = whole.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    if status == "incomplete" and isinstance(reason, str):
        return _INCOMPLETE.get(reason, reason)
    return status


def _parts(item: Mapping[str, Any], field: str, kind: str, *, name: str = "text") -> list[Any]:
    """The texts of all parts of one kind."""
    parts = item.get(field)
    if parts is None:
        return []
    if isinstance(parts, str):
        return [parts] if name == "text" else []
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return [None]
    return [part.get(name) for part in parts if part.get("type") == kind]


def _summary(item: Mapping[str, Any]) -> Any:
    parts = _parts(item, "summary", "summary_text")
    return "\n\n".join(parts) if _texts(parts) else None


def _texts(parts: list[Any]) -> bool:
    return all(isinstance(part, str) for part in parts)
