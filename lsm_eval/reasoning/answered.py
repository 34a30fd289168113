"""From what a model wrote to its answer: `Generated` with its thoughts told apart, or a failure."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from lsm_eval.reasoning.split import Split, answer_start, split
from lsm_eval.requests import Failure, Generated

Mode = Literal["auto", "keep", "strip"]
"""What becomes of thoughts: `auto` takes off what is clearly marked, `strip` believes every marker, those too that look
like a text about markers, and with `keep` the whole text is the answer."""

VERSION = 1
"""Raised whenever the same text would be taken apart differently; part of a signature that rests on it."""


def answered(written: Generated, mode: Mode, *, opened: bool) -> Generated | Failure:
    """The answer in what was written; `opened`: the prompt ended inside thoughts.

    A text that ended inside its thoughts has no answer and is a failure (`truncated`), which keeps what was written.
    Thoughts that a server told apart stay so, and more are looked for only in a text that begins with some; with `keep`
    they stand before the answer again, between marks.
    """
    if written.thoughts and mode == "keep":
        joined = f"<think>\n{written.thoughts}\n</think>\n\n{written.text}"
        return replace(written, text=joined, thoughts="")
    if written.thoughts and answer_start(written.text) == (0, 0):
        return written
    if mode == "keep":
        return replace(written, thoughts="")
    found = split(written.text, opened=opened and not written.thoughts, believing=mode == "strip")
    # Where the tokens ran out with the thoughts, or right after them, there was no room for an answer.
    unanswered = written.finish == "length" and found.answer != written.text and not found.answer.strip()
    if found.cut or unanswered:
        thoughts = _both(written.thoughts, found.thoughts)
        # A server that tells of no thoughts has counted none of these.
        whole = replace(written, text="", thoughts=thoughts, logprob=None, reasoning_tokens=written.tokens)
        return Failure("truncated", _why(written, found.cut), whole)
    return _of(written, found)


def without_thoughts(written: Generated) -> Generated:
    """The same for somebody who knows no prompt, and wants a text in any case: empty where there is no answer. An
    answer whose thoughts were told apart already stays as it is."""
    return written if written.thoughts is not None else _of(written, split(written.text))


def _of(written: Generated, found: Split) -> Generated:
    if found.answer == written.text:
        return replace(written, thoughts=_both(written.thoughts, found.thoughts))
    # How likely the whole text is says nothing of a part of it, and 0 is the count of who saw no thoughts.
    return replace(
        written,
        text=found.answer,
        thoughts=_both(written.thoughts, found.thoughts),
        logprob=None,
        reasoning_tokens=written.reasoning_tokens or None,
    )


def _both(told: str | None, found: str) -> str:
    """Thoughts that were told apart, and those found in the text."""
    return "\n\n".join(part for part in (told, found) if part)


def _why(written: Generated, cut: bool) -> str:
    number = "new tokens that nobody counted" if written.tokens is None else f"{written.tokens} new tokens"
    if written.finish == "length" and cut:
        return f"its thoughts had not ended after {number}, all that it may write"
    if written.finish == "length":
        return f"its thoughts took all of the {number} that it may write"
    return f"it stopped inside its thoughts, after {number}"
