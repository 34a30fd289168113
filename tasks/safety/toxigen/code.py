"""ToxiGen's prompts: lists of sentences, in the data on one line with line breaks written as \\n."""

from __future__ import annotations

FUNCTIONS = ("toxigen_last", "toxigen_prompt")


def toxigen_prompt(text: str) -> str:
    """The list with real line breaks; it ends with the dash of the next line."""
    return "\n".join(_lines(text)).rstrip()


def toxigen_last(text: str) -> str:
    """The last complete sentence of the list."""
    return _lines(text)[-2]


def _lines(text: str) -> list[str]:
    return text.split("\\n")
