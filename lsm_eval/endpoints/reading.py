"""Reads an answer from what a server sent, or names the fault in it. A fault never passes for an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from lsm_eval.endpoints.asking import Path
from lsm_eval.endpoints.budget import most_tokens, within_budget
from lsm_eval.endpoints.outcome import Outcome, Refused, Retryable
from lsm_eval.endpoints.responses import as_chat
from lsm_eval.endpoints.thoughts import (
    counted_apart,
    is_thought,
    reasoning_count,
    separate_thoughts,
    thought_in,
)
from lsm_eval.reasoning.split import answer_start, split
from lsm_eval.requests import Generate, Generated
from lsm_eval.secrets import without_secrets
from lsm_eval.well_formed import well_formed

_STOPPED = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn"})
_CUT = frozenset({"length", "max_tokens"})
_WITHHELD = frozenset({"content_filter", "safety", "recitation", "sensitive"})
_STATUSES = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "too_many_requests": 429,
    "overloaded_error": 529,
    "server_error": 500,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "BadRequestError": 400,
}
"""HTTP statuses of errors that state only a name."""
_LONGEST_SAID = 10_000  # characters of an error message that are read
_MOST_TOKENS = 2**31  # more than any text has
_UNSEEN_TOKENS = 16  # tokens that may leave no character in the text: ends of turns, marks of thoughts

_NO_JSON = (ValueError, RecursionError)
_OPENING = ("<think>", "[THINK]", "<|begin_of_thought|>")
_STOPPED_EARLY = "a stop string ended the answer inside its thoughts"


def read_answer(
    content: bytes, request: Generate, path: Path, *, stops: bool, counts: bool = True
) -> Outcome:
    """The outcome in the body of an answer with status 200. `stops`: the request carried its stop strings. `counts`:
    the server counts the tokens of complete answers, so that an answer without a count is incomplete."""
    try:
        whole = json.loads(content)
    except _NO_JSON:
        return Retryable("malformed", f"the answer is no JSON ({len(content):,} bytes)")
    if not isinstance(whole, dict):
        return Retryable("malformed", "the answer is no JSON object")
    if path == "responses":
        chat = as_chat(whole, most_tokens(request))
        if isinstance(chat, Retryable):
            return chat
        whole, path = chat, "chat/completions"
    choices = whole.get("choices")
    if choices is None and whole.get("error"):
        return _read_error(whole)
    if not choices:
        return Retryable("no_choices", "the answer has no choices")
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, dict):
        return Retryable("malformed", "the answer's choices are no list of objects")
    usage = whole.get("usage")
    thought = reasoning_count(usage)
    tokens = _tokens(usage, thought)
    found = _read_choice(choice, tokens or (None, 0), request, path, stops)
    if counts and tokens is None and isinstance(found, Generated):
        return Retryable("no_usage", "the answer does not count its tokens")
    return within_budget(counted_apart(found, thought), request)


def _read_choice(
    choice: Mapping[str, Any], tokens: tuple[int | None, int], request: Generate, path: Path, stops: bool
) -> Outcome:
    finish = _finish(choice.get("finish_reason"))
    if not isinstance(finish, str):
        return finish
    part = choice.get("message") if path == "chat/completions" else choice
    if not isinstance(part, dict):
        return Retryable("malformed", "the answer's choice has no message")
    text = part.get("content" if path == "chat/completions" else "text")
    told = separate_thoughts(part)
    thoughts = told.text
    if isinstance(text, list):
        text, inside = _joined(text)
        thoughts = thoughts or inside
    if not text and isinstance(part.get("refusal"), str):
        text = part["refusal"]
    if not isinstance(thoughts, str) or not isinstance(text, str | None):
        return Retryable("malformed", "the answer's content is no text")
    number, hidden = tokens
    if not text and not thoughts and (hidden or told.hidden) and finish == "length":
        # its tokens were thoughts that the server does not show
        return Generated(_OPENING[0], number, finish)
    if text is None and not thoughts:
        return Retryable("no_content", "the answer's content is null")
    shown = hidden or not told.hidden  # otherwise some tokens are neither shown nor counted apart
    if number is not None and shown and number - hidden > len(text or "") + len(thoughts):
        # A token is at least one byte of text.
        longest = max((len(stop.encode("utf-8", "replace")) for stop in request.stop), default=0)
        size = len(f"{text or ''}{thoughts}".encode("utf-8", "replace"))
        if number - hidden > size + longest + _UNSEEN_TOKENS:
            return Retryable(
                "fewer_tokens",
                f"the usage counts {number:,} tokens, and the answer has {size:,} bytes of text",
            )
    if thoughts and (text is None or (not text.strip() and finish == "length")):
        if finish == "stop" and stops and request.stop and not request.stop_in_thoughts:
            return Retryable("stopped_early", _STOPPED_EARLY)
        return Generated(_unended(well_formed(thoughts)), number, finish)
    return _cut(text or "", well_formed(thoughts), number, finish, request, stops=stops)


def _read_error(whole: Mapping[str, Any]) -> Outcome:
    """The outcome of an error that came with status 200, as in the middle of a stream: that of the status it names."""
    error = whole["error"]
    names = [error.get(name) for name in ("code", "status", "type")] if isinstance(error, dict) else []
    said = f"the answer is an error: {error_text(whole)}"
    for name in names:
        status = name if type(name) is int else _STATUSES.get(name) if isinstance(name, str) else None
        if status is None and isinstance(name, str) and name.isdecimal() and len(name) == 3:
            status = int(name)
        if status is not None and 400 <= status < 600:
            found = read_fault(status, json.dumps(whole).encode(), None)
            return replace(found, detail=said) if isinstance(found, Retryable) else found
    return Retryable("server_error", said)


def _finish(reason: Any) -> Literal["stop", "length"] | Retryable | Refused:
    if reason is not None and not isinstance(reason, str):
        return Retryable("malformed", "the answer's finish reason is no text")
    reason = reason and reason.lower()
    if reason in _STOPPED:
        return "stop"
    if reason in _CUT:
        return "length"
    if not reason:
        return Retryable("no_finish_reason", "the answer does not say why it ends")
    if reason in _WITHHELD:
        return Refused(200, f"{reason}: the server withheld the answer")
    if reason in ("tool_calls", "function_call"):
        return Refused(200, f"{reason}: the answer calls a tool, and none was offered")
    return Retryable("aborted", f"the answer ended for the reason {reason[:40]!r}")


def _joined(parts: list[Any]) -> tuple[Any, Any]:
    """Text and thoughts of a content in parts; the text is not a string if a part is of another kind."""
    texts: dict[str, list[str]] = {"text": [], "thinking": []}
    for part in parts:
        name = part.get("type") if isinstance(part, dict) else None
        if name not in ("text", "output_text") and not is_thought(part if name else {}):
            return {}, ""
        thought = name not in ("text", "output_text")
        said = thought_in(part) if thought else part.get("text")
        if not isinstance(said, str):
            return {}, ""
        texts["thinking" if thought else "text"].append(said)
    return "".join(texts["text"]), "".join(texts["thinking"])


def _tokens(usage: Any, hidden: int | None) -> tuple[int, int] | None:
    """New tokens, and how many of them are thoughts according to the server; None if they are not counted."""
    number = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if type(number) is not int or not 0 <= number < _MOST_TOKENS:
        return None
    return number, hidden if hidden is not None and hidden <= number else 0


def _unended(thoughts: str) -> str:
    """A text that ended inside its thoughts, as a local model writes it: without the closing mark."""
    texts = [f"{mark}\n{thoughts}" for mark in _OPENING]
    return next((text for text in texts if split(text).cut), texts[0])


def _cut(
    text: str,
    thoughts: str,
    tokens: int | None,
    finish: Literal["stop", "length"],
    request: Generate,
    *,
    stops: bool,
) -> Outcome:
    """The text before its first stop string. Stop strings apply after the thoughts, unless the request says otherwise."""
    whole = Generated(text, tokens, finish, thoughts=thoughts or None)
    wanted = [stop for stop in request.stop if stop]
    if not wanted:
        return whole
    begins: tuple[int, int] | None = (0, 0)
    if not request.stop_in_thoughts and not thoughts:
        begins = answer_start(text)
    if begins is None:
        if finish == "stop" and stops:
            return Retryable("stopped_early", _STOPPED_EARLY)
        return whole
    first, shown = begins
    places = (text.find(stop, max(first, shown - len(stop) + 1)) for stop in wanted)
    at = min((place for place in places if place >= 0), default=None)
    return whole if at is None else replace(whole, text=text[:at], finish="stop")


def read_fault(status: int, content: bytes, wait: float | None) -> Outcome:
    """The outcome of an answer with a status other than 200. `wait`: from its header `Retry-After`, in seconds."""
    try:
        whole = json.loads(content)
    except _NO_JSON:
        whole = content[:_LONGEST_SAID].decode("utf-8", "replace")
    said = error_text(whole)
    detail = f"status {status}" + (f": {said}" if said else "")
    if status == 429:
        return Retryable("rate_limit", detail, wait, overload=True)
    if status in (408, 409) or status >= 500:
        return Retryable("server_error", detail, wait, overload=status in (503, 529))
    error = whole.get("error") if isinstance(whole, dict) else None
    parameter = error.get("param") if isinstance(error, dict) else None
    return Refused(status, detail, parameter if isinstance(parameter, str) else None)


def error_text(whole: Any) -> str:
    """A server's error message on one short line, without secrets; it may quote the request."""
    error = whole.get("error", whole) if isinstance(whole, dict) else whole
    if isinstance(error, dict):
        error = next((error[name] for name in ("message", "detail", "error") if error.get(name)), "")
    text = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
    # Secrets are hidden before the text is cut: half a secret could not be recognised.
    return well_formed(without_secrets(" ".join(text[:_LONGEST_SAID].split()))[:200])


def wait_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an answer's headers ask to wait, in milliseconds if `Retry-After-Ms` is given. `now`: seconds since 1970."""
    exact = retry_after(headers.get("Retry-After-Ms"), now)
    return retry_after(headers.get("Retry-After"), now) if exact is None else exact / 1000


def retry_after(text: str | None, now: float) -> float | None:
    """Seconds that a header `Retry-After` asks to wait; it holds seconds or a date (RFC 9110, 10.2.3). `now`: seconds
    since 1970."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if 0 <= seconds < 1e9 else None
