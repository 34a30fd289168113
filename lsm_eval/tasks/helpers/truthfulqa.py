"""TruthfulQA's reference answers as its generation setting compares them."""

from __future__ import annotations

from collections.abc import Sequence

NO_COMMENT = "I have no comment."


def truthfulqa_references(answers: Sequence[str], no_comment: bool = False) -> list[str]:
    """The answers without white space around them and with a full stop at their end, empty ones left out; with
    `no_comment` "I have no comment." is added where it is missing (Lin et al. 2022: it is always true)."""
    texts = [answer.strip() for answer in answers if answer.strip()]
    closed = [text if text.endswith(".") else f"{text}." for text in texts]
    return [*closed, NO_COMMENT] if no_comment and NO_COMMENT not in closed else closed
