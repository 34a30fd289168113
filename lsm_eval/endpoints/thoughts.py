"""Thoughts that a server returns separately from the answer, in the formats in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lsm_eval.endpoints.outcome import Outcome
from lsm_eval.requests import Generated

_FIELDS = ("reasoning_content", "reasoning")
_DETAILS = "reasoning_details"
_TEXTS = {"reasoning.text": "text", "reasoning.summary": "summary"}
_PARTS = frozenset({"thinking", "reasoning", "reasoning_text", "summary_text"})
_HIDDEN_PARTS = frozenset({"redacted_thinking", "reasoning.encrypted"})
_NAMES = ("thinking", "reasoning", "reasoning_text", "text", "summary", "content")


@dataclass(frozen=True, slots=True)
class MessageThoughts:
    """The thoughts of a message."""

    text: Any = ""
    """The field's value: not a string if the message is malformed."""
    hidden: bool = False
    """Whether there were thoughts that the server does not show (encrypted ones)."""


_NOTHING = MessageThoughts()


def separate_thoughts(message: Mapping[str, Any]) -> MessageThoughts:
    """The thoughts that a message has besides its content: `reasoning_content` (DeepSeek, SGLang, llama.cpp) or `reasoning`
    (vLLM, Ollama, OpenRouter), and otherwise `reasoning_details` (OpenRouter), some of which may be encrypted."""
    details = message.get(_DETAILS)
    whole = message.get(_FIELDS[0]) or message.get(_FIELDS[1])
    if not details and not whole:
        return _NOTHING
    listed = details if isinstance(details, list) else []
    hidden = any(isinstance(one, dict) and one.get("type") in _HIDDEN_PARTS for one in listed)
    if whole:
        return MessageThoughts(whole, hidden)
    # A thought may come both as a text and as its summary: the text is preferred.
    for kind in _TEXTS:
        own = [one for one in listed if isinstance(one, dict) and one.get("type") == kind]
        said = [text for one in own if isinstance(text := one.get(_TEXTS[kind]), str) and text]
        if said:
            return MessageThoughts("".join(said) if kind == "reasoning.text" else "\n\n".join(said), hidden)
    return MessageThoughts("", hidden)


def is_thought(part: Mapping[str, Any]) -> bool:
    """Whether a part of a content is a thought."""
    return part.get("type") in _PARTS or part.get("type") in _HIDDEN_PARTS


def thought_in(part: Mapping[str, Any]) -> str | None:
    """The text of such a part, empty if it is hidden; None if the part is malformed."""
    if part.get("type") in _HIDDEN_PARTS:
        return ""
    said = next((part[name] for name in _NAMES if part.get(name)), "")
    if isinstance(said, list):
        found = [one.get("text") if isinstance(one, dict) else None for one in said]
        texts = [text for text in found if isinstance(text, str)]
        return "".join(texts) if len(texts) == len(found) else None
    return said if isinstance(said, str) else None


def reasoning_count(usage: Any) -> int | None:
    """The number of thought tokens in a usage: in its details (OpenAI's two APIs), or at its top (SGLang). None if it has
    no such number."""
    if not isinstance(usage, dict):
        return None
    for place in (usage.get("completion_tokens_details"), usage.get("output_tokens_details"), usage):
        count = place.get("reasoning_tokens") if isinstance(place, dict) else None
        if type(count) is int and count >= 0:
            return count
    return None


def counted_apart(found: Outcome, count: int | None) -> Outcome:
    """The outcome with the number of its thought tokens (`reasoning_count`). If it has thoughts, a count of 0 means that the
    server does not count them."""
    if count is None or not isinstance(found, Generated) or found.tokens is None or count > found.tokens:
        return found
    return found if found.thoughts and not count else replace(found, reasoning_tokens=count)
