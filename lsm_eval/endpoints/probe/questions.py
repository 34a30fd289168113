"""What a probe sends, and what can be told of the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lsm_eval.endpoints.asking import Manner, Path, body
from lsm_eval.endpoints.constraint import Constraint
from lsm_eval.requests import Generate

LETTERS = "Twenty random letters and digits, such as 7kQ2 wZ0b:"
"""Of which no two draws are alike."""
COLOUR = "The capital of France is"
"""What nobody goes on with as the choices have it, unless held to them."""
CHOICES = ("blue-7", "green-4")
IDS = (100, 101, 102, 103)
"""Token ids that every vocabulary has."""
_TOKENS = 16
_CHOICE_TOKENS = 32
_THINKING_TOKENS = 1024
_OPENING = re.compile(r"\s*<(think|thinking|seed:think)>|\s*\[THINK\]")
_PIECE = re.compile(r"[^\s\ufffd]{1,3}")


def letters(path: Path) -> Generate:
    """The question of most of the probe, asked greedily."""
    return Generate(LETTERS, max_tokens=_TOKENS, chat=path == "chat/completions")


def drawn(path: Path, seed: int) -> Generate:
    """The same, drawn."""
    return replace(letters(path), temperature=1.0, seed=seed)


def stopped(path: Path, stop: str) -> Generate:
    """The same, with a stop string."""
    return replace(letters(path), stop=(stop,), stop_in_thoughts=True)


def held(path: Path, *, thinks: bool) -> Generate:
    """A question whose answer is held to other texts than it has."""
    chat = path == "chat/completions"
    choices = CHOICES if chat else tuple(f" {one}" for one in CHOICES)
    tokens = _THINKING_TOKENS if thinks else _CHOICE_TOKENS
    return Generate(COLOUR, max_tokens=tokens, chat=chat, choices=choices)


def sent(request: Generate, model: str, path: Path, manner: Manner, how: Constraint | None = None) -> bytes:
    """What is sent for one of them. `how`: the way to hold its answer that is tried."""
    if how is not None:
        manner = replace(manner, constraints={path: how})
    fields = json.loads(body(request, model, path, manner))
    fields["stream"] = False
    fields.pop("stream_options", None)
    return json.dumps(fields).encode()


def by_ids(model: str) -> bytes:
    """A prompt of token ids."""
    fields = {"model": model, "prompt": list(IDS), "max_tokens": 1, "stream": False}
    return json.dumps(fields).encode()


def takes_ids(whole: Mapping[str, Any]) -> bool | None:
    """Whether the prompt was read as so many tokens (and at most one before them); None where nobody says."""
    choices, usage = whole.get("choices"), whole.get("usage")
    if not isinstance(choices, list) or len(choices) != 1:
        return False
    number = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return number in (len(IDS), len(IDS) + 1) if type(number) is int else None


def said(whole: Mapping[str, Any], path: Path) -> tuple[str, str, str | None]:
    """Text, thoughts, and where these stood."""
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
    """Whether tokens went into thoughts that the server does not show."""
    details = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    number = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return type(number) is int and number > 0


def piece(text: str) -> str | None:
    """Something short from the middle of a text, to stop it there; None where it has nothing that is whole."""
    found = [match.group() for match in _PIECE.finditer(text)]
    first = [one for one in found if text.find(one) > 0] or found
    return first[len(first) // 2] if first else None


def stop_kept(whole: str, cut: str, stop: str) -> str | None:
    """What a server did with a stop string, from its text without and with it."""
    if stop in cut:
        return "kept" if cut.endswith(stop) and len(cut) < len(whole) else "ignored"
    return "cut" if whole.partition(stop)[0].strip() == cut.strip() else None
