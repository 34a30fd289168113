"""The harmony format (gpt-oss): every message names its channel, and only the channel `final` is the answer.

<|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>
"""

from __future__ import annotations

import re
from collections.abc import Iterator

CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<name>analysis|commentary|final)\b[^<]{0,200}(?:<\|constrain\|>[^<]{0,50})?<\|message\|>"
)
FINAL = "<|channel|>final<|message|>"
REPLY = "<|start|>assistant"
"""The end of a rendered prompt, after which the model itself names the channel."""

CLOSING = f"<|end|>{REPLY}{FINAL}"
"""The text that ends a message of thoughts, and begins the answer."""

_END = re.compile(r"<\|(?:end|return|call|start)\|>")
# The text that is left if a tokenizer removed the markers.
_BARE = re.compile(r"\A\s*analysis(?P<thoughts>.*?)assistantfinal(?P<answer>.*)\Z", re.DOTALL)


def messages(text: str, *, opened: bool) -> list[tuple[bool, str]] | None:
    """(whether it is a thought, content) of each message; None if the text is not in this format.

    `opened`: the prompt ends inside a message of thoughts.
    """
    if speaks(text):
        return list(_messages(text, opened))
    if text.lstrip().startswith("<|channel|>"):
        return [(True, text)]  # it ends before the channel's name is complete
    bare = _BARE.match(text)
    return [(True, bare["thoughts"]), (False, bare["answer"])] if bare else None


def speaks(text: str) -> bool:
    """Whether a message of the text names its channel."""
    return CHANNEL.search(text) is not None


def opens(prompt: str) -> bool:
    """Whether a prompt ends inside a message of thoughts."""
    tail = prompt[-400:]
    found = list(CHANNEL.finditer(tail))
    return bool(found) and found[-1]["name"] != "final" and not tail[found[-1].end() :].strip()


def answer_start(text: str) -> int | None:
    """Where the content of the first final message begins; None if there is none."""
    return next((match.end() for match in CHANNEL.finditer(text) if match["name"] == "final"), None)


def _messages(text: str, opened: bool) -> Iterator[tuple[bool, str]]:
    found = list(CHANNEL.finditer(text))
    ends = [*(match.start() for match in found), len(text)]
    before = _content(text[: ends[0]])
    if before.strip():
        yield opened, before
    for match, end in zip(found, ends[1:], strict=True):
        yield match["name"] != "final", _content(text[match.end() : end])


def _content(text: str) -> str:
    end = _END.search(text)
    return text[: end.start()] if end else text
