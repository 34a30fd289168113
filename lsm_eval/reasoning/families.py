"""How models mark their thoughts, as one table of patterns.

Each family has patterns that open and close a block of thoughts, and the text that closes one. The harmony format (gpt-oss)
names a channel for each message instead, and is in `harmony`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

TAGS = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reason",
    "seed:think",
    "longcat_think",
    "scratchpad",
)
"""Names of tags around thoughts, in upper or lower case; Qwen3 and DeepSeek-R1 write `think`, Seed-OSS `seed:think`."""

# The name of the model may precede it.
_NAMES = "|".join([r"[a-z][a-z0-9]{0,20}[:_]think(?:ing)?", *sorted(TAGS, key=len, reverse=True)])
_TAG = re.compile(
    rf"<\s*(?:(?P<shut>/)\s*)?(?P<name>{_NAMES})(?:\s[^<>\n]{{0,200}}?)?\s*(?P<empty>/)?\s*>", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Family:
    """One pair of markers that are not tags."""

    name: str
    opener: str
    """Regular expression."""
    closer: str
    close: str
    """The text that closes a block."""


_WORDS = "(?:think|thinking|thoughts?|reasoning)"
FAMILIES = (
    Family("bracket", r"\[THINK\]", r"\[/THINK\]", "[/THINK]"),  # Magistral
    Family("begin", r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>", "<|end_of_thought|>"),  # OpenThinker, Sky-T1
    Family("triangle", r"◁\s*think\s*▷", r"◁\s*/\s*think\s*▷", "◁/think▷"),  # Kimi
    Family("unused", r"<unused94>(?:thought\b)?", r"<unused95>", "<unused95>"),  # MedGemma
    Family("channel", r"<\|channel>\s*thought\b", r"<channel\|>", "<channel|>"),  # Gemma 4
    Family("start", r"<\|START_THINKING\|>", r"<\|END_THINKING\|>", "<|END_THINKING|>"),  # Command A Reasoning
    Family("inner", r"<\|inner_prefix\|>", r"<\|inner_suffix\|>", "<|inner_suffix|>"),  # Apertus
    # Special tokens of other names, in the forms that such tokens have.
    Family("pipe", rf"(?i:<[|｜]{_WORDS}[|｜]>)", rf"(?i:<[|｜]/{_WORDS}[|｜]>|</[|｜]?{_WORDS}[|｜]>)", "<|/think|>"),
    Family("pipe_first", rf"(?i:<[|｜](?:begin|start)[_▁](?:of[_▁])?{_WORDS}[|｜]>)",
           rf"(?i:<[|｜]end[_▁](?:of[_▁])?{_WORDS}[|｜]>)", "<|end_of_thought|>"),
    Family("pipe_last", rf"(?i:<[|｜]{_WORDS}[_▁](?:begin|start)[|｜]>)", rf"(?i:<[|｜]{_WORDS}[_▁]end[|｜]>)",
           "<|thinking_end|>"),
)  # fmt: skip

WRAPPERS = (
    (r"<\|begin_of_solution\|>", r"<\|end_of_solution\|>"),
    (r"<\|START_RESPONSE\|>", r"<\|END_RESPONSE\|>"),
    (r"(?i:<\s*answer\s*>)", r"(?i:<\s*/\s*answer\s*>)"),
    (r"(?i:<\s*response\s*>)", r"(?i:<\s*/\s*response\s*>)"),
)
"""Markers around the whole answer after thoughts, which are not part of it."""

_SPECIAL = (
    "<|begin_of_solution|>",
    "<|end_of_solution|>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|channel>",
)
_HARMONY = frozenset({"<|channel|>", "<|message|>", "<|start|>", "<|end|>"})
_PAIRS = re.compile(
    "|".join(f"(?P<{f.name}_open>{f.opener})|(?P<{f.name}_close>{f.closer})" for f in FAMILIES)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker in a text."""

    start: int
    end: int
    kind: Literal["open", "close", "empty"]
    """`empty`: a tag that closes itself."""
    name: str
    """The name of the tag (lower case) or the family: a block is closed by a marker of the same name."""
    tag: bool


def markers(text: str) -> list[Marker]:
    """All markers of a text, in order, including those that are only mentioned."""
    return sorted([*_tags(text), *_pairs(text)], key=lambda marker: marker.start)


def closing(name: str, tag: bool) -> str:
    """The text that closes a block of this tag or family."""
    return f"</{name}>" if tag else next(family.close for family in FAMILIES if family.name == name)


def marking(tokens: Collection[str]) -> set[str]:
    """The special tokens of a tokenizer that mark thoughts, or the answer after them, and must be kept in a text."""
    # In formats other than harmony, `<|end|>` and similar tokens end turns.
    harmony = _HARMONY if "<|channel|>" in tokens else frozenset[str]()
    return {token for token in tokens if token in harmony or token in _SPECIAL or _is_marker(token)}


@lru_cache(maxsize=1024)
def _is_marker(token: str) -> bool:
    found = markers(token.strip())
    return len(found) == 1 and found[0].end - found[0].start == len(token.strip())


def _tags(text: str) -> Iterator[Marker]:
    if "<" not in text:
        return
    for match in _TAG.finditer(text):
        kind: Literal["open", "close", "empty"] = (
            "close" if match["shut"] else "empty" if match["empty"] else "open"
        )
        yield Marker(match.start(), match.end(), kind, match["name"].lower(), tag=True)


def _pairs(text: str) -> Iterator[Marker]:
    for match in _PAIRS.finditer(text):
        assert match.lastgroup is not None
        name, _, kind = match.lastgroup.rpartition("_")
        yield Marker(match.start(), match.end(), "open" if kind == "open" else "close", name, tag=False)
