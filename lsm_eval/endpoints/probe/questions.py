"""The probe's requests, and how their answers are interpreted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lsm_eval.endpoints.asking import Path, Quirks, body
from lsm_eval.endpoints.constraint import Constraint
from lsm_eval.requests import Generate

LETTERS = "Twenty random letters and digits, such as 7kQ2 wZ0b:"
"""A prompt that is never answered alike in two samples."""
COLOUR = "The capital of France is"
"""A prompt that is never answered by one of `CHOICES`, unless answers are constrained to them."""
CHOICES = ("blue-7", "green-4")
IDS = (100, 101, 102, 103)
"""Token ids that exist in every vocabulary."""
_TOKENS = 16
_CHOICE_TOKENS = 32
_THINKING_TOKENS = 1024
_OPENING = re.compile(r"\s*<(think|thinking|seed:think)>|\s*\[THINK\]")
_PIECE = re.compile(r"[^\s\ufffd]{1,3}")


def letters(path: Path) -> Generate:
    """The request that most of the probe uses, greedy."""
    return Generate(LETTERS, max_tokens=_TOKENS, chat=path == "chat/completions")


def sampled(path: Path, seed: int) -> Generate:
    """The same request, sampled."""
    return replace(letters(path), temperature=1.0, seed=seed)


def stopped(path: Path, stop: str) -> Generate:
    """The same request with a stop string."""
    return replace(letters(path), stop=(stop,), stop_in_thoughts=True)


def constrained(path: Path, *, thinks: bool) -> Generate:
    """A request whose answer is constrained to texts that it would not have otherwise."""
    chat = path == "chat/completions"
    choices = CHOICES if chat else tuple(f" {one}" for one in CHOICES)
    tokens = _THINKING_TOKENS if thinks else _CHOICE_TOKENS
    return Generate(COLOUR, max_tokens=tokens, chat=chat, choices=choices)


def sent(request: Generate, model: str, path: Path, quirks: Quirks, how: Constraint | None = None) -> bytes:
    """The body for one of these requests. `how`: the constraint to try."""
    if how is not None:
        quirks = replace(quirks, constraints={path: how})
    fields = json.loads(body(request, model, path, quirks))
    fields["stream"] = False
    fields.pop("stream_options", None)
    return json.dumps(fields).encode()


def by_ids(model: str) -> bytes:
    """The body of a request whose prompt is token ids."""
    fields = {"model": model, "prompt": list(IDS), "max_tokens": 1, "stream": False}
    return json.dumps(fields).encode()


def takes_ids(whole: Mapping[str, Any]) -> bool | None:
    """Whether the prompt was read as these tokens (with at most one before them); None if the answer has no count."""
    choices, usage = whole.get("choices"), whole.get("usage")
    if not isinstance(choices, list) or len(choices) != 1:
        return False
    number = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return number in (len(IDS), len(IDS) + 1) if type(number) is int else None


def said(whole: Mapping[str, Any], path: Path) -> tuple[str, str, str | None]:
    """Text, thoughts, and where these were found."""
    choices = whole.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    part = choice.get("message") if path == "chat/completions" else choice
    part = part if isinstance(part, dict) else {}
    text = part.get("content" if path == "chat/completions" else "text")
    text = text if isinstance(text, str) else ""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(part.get(name), str) and part[name]:
            return text, part[name], name
    if opened := _OPENING.match(text):
        return "", text[opened.end() :], "inline"
    return text, "", "hidden" if _thought(whole.get("usage")) else None


def _thought(usage: Any) -> bool:
    """Whether some tokens were thoughts that the server does not show."""
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    number = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return type(number) is int and number > 0


def piece(text: str) -> str | None:
    """A short piece from the middle of a text, to be used as a stop string; None if there is none."""
    found = [match.group() for match in _PIECE.finditer(text)]
    first = [one for one in found if text.find(one) > 0] or found
    return first[len(first) // 2] if first else None


def stop_kept(whole: str, cut: str, stop: str) -> str | None:
    """How a server treated a stop string, judged by its texts without it (`whole`) and with it (`cut`)."""
    if stop in cut:
        return "kept" if cut.endswith(stop) and len(cut) < len(whole) else "ignored"
    return "cut" if whole.partition(stop)[0].strip() == cut.strip() else None
