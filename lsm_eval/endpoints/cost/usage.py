"""Reads the token usage from the bytes of an answer: complete or streamed, of any of the APIs."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_NAME = b'"usage"'
_MOST = 2**40  # tokens of one answer
_COLON = re.compile(rb"\s*:\s*")
_LONGEST = 4096  # bytes that the value may have
_DECODER = json.JSONDecoder()
_SGLANG = b'"meta_info"'
_LLAMACPP = b'"tokens_evaluated"'


class Usage(NamedTuple):
    """Tokens of one answer."""

    input: int
    """Of the prompt, including those that were read from a cache or written to one."""
    output: int
    """New tokens, including thoughts."""
    cached: int = 0
    written: int = 0
    """Written to a cache that is charged for."""
    reasoning: int = 0


def read_usage(content: bytes) -> Usage | None:
    """The last usage in an answer; None if it has no complete one.

    In JSON a quotation mark inside a text is written `\\"`, so no text of a model can contain `"usage"`.
    """
    end = len(content)
    while (at := content.rfind(_NAME, 0, end)) >= 0:
        end = at
        colon = _COLON.match(content, at + len(_NAME))
        if colon is None:
            continue
        value = content[colon.end() : colon.end() + _LONGEST].decode("utf-8", "replace")
        try:
            found, _ = _DECODER.raw_decode(value)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return usage_of(found)
    return _of_its_own(content)


def _of_its_own(content: bytes) -> Usage | None:
    """The usage from servers' own APIs for scoring: SGLang's `/generate`, which counts for each prompt, and llama.cpp's
    `/completion`."""
    if _SGLANG in content:
        names = ("prompt_tokens", "completion_tokens", "cached_tokens")
    elif _LLAMACPP in content:
        names = ("tokens_evaluated", "tokens_predicted|predicted_n", "cache_n")
    else:
        return None
    counts = [
        [int(found) for found in re.findall(rb'"(?:%b)": ?(\d{1,12})\b' % name.encode(), content)]
        for name in names
    ]
    read, new, cached = (sum(count) if _SGLANG in content else max(count, default=0) for count in counts)
    if not counts[0] or not counts[1] or max(read, new) >= _MOST:
        return None
    return Usage(read, new, min(cached, read))


def usage_of(found: dict[str, Any]) -> Usage | None:
    """The usage that a JSON object `usage` holds; None if it lacks the counts."""
    read = _count(found, "prompt_tokens", "input_tokens")
    new = _count(found, "completion_tokens", "output_tokens")
    if read is None or new is None:
        return None
    total = _count(found, "total_tokens") or 0
    if len(found) == 3 and total:  # the three counts and no more, as of most servers
        return Usage(read, max(new, total - read))
    inside = _details(found, "prompt_tokens_details", "input_tokens_details")
    cached = _count(inside, "cached_tokens") if inside else None
    if cached is None:
        cached = _count(found, "prompt_cache_hit_tokens", "cache_read_input_tokens") or 0
    written = _count(inside, "cache_write_tokens", "cache_creation_tokens") if inside else None
    if written is None:
        written = _count(found, "cache_creation_input_tokens") or 0
    thoughts = _details(found, "completion_tokens_details", "output_tokens_details")
    reasoning = (_count(thoughts, "reasoning_tokens") or 0) if thoughts else 0
    # Some servers leave thoughts out of the new tokens but charge for them: then the total includes them.
    new = max(new, total - read, reasoning)
    cached = min(cached, read)
    return Usage(read, new, cached, min(written, read - cached), min(reasoning, new))


def _count(found: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = found.get(name)
        if type(value) is int and 0 <= value < _MOST:
            return value
    return None


def _details(found: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inside = found.get(name)
        if isinstance(inside, dict):
            return inside
    return {}
