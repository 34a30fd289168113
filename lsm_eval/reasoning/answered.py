"""Separates a model's answer from its thoughts, or returns a failure if there is no answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from lsm_eval.reasoning.split import Split, answer_start, split
from lsm_eval.requests import Failure, Generated

Mode = Literal["auto", "keep", "strip"]
"""How thoughts are treated: `auto` removes what is clearly marked, `strip` believes every marker, even in what looks like a
text about markers, and with `keep` the whole text is the answer."""

VERSION = 1
"""Raised if the same text would be split differently; part of signatures that depend on it."""


def answered(written: Generated, mode: Mode, *, opened: bool) -> Generated | Failure:
    """The answer in a generated text; `opened`: the prompt ended inside thoughts.

    A text that ended inside its thoughts has no answer and is a failure (`truncated`), which contains the text. Thoughts that
    a server returned separately stay separate, and more are looked for only in a text that begins with some; with `keep`
    they are put before the answer again, between marks.
    """
    if written.thoughts and mode == "keep":
        joined = f"<think>\n{written.thoughts}\n</think>\n\n{written.text}"
        return replace(written, text=joined, thoughts="")
    if written.thoughts and answer_start(written.text) == (0, 0):
        return written
    if mode == "keep":
        return replace(written, thoughts="")
    found = split(written.text, opened=opened and not written.thoughts, believing=mode == "strip")
    # If the tokens ran out inside the thoughts, or right after them, there was no room for an answer.
    unanswered = written.finish == "length" and found.answer != written.text and not found.answer.strip()
    if found.cut or unanswered:
        thoughts = _both(written.thoughts, found.thoughts)
        # All tokens are thoughts, also if the server did not count them as such.
        whole = replace(written, text="", thoughts=thoughts, logprob=None, reasoning_tokens=written.tokens)
        return Failure("truncated", _why(written, found.cut), whole)
    return _of(written, found)


def without_thoughts(written: Generated) -> Generated:
    """The same without a prompt, and with a text in any case: empty if there is no answer. An answer whose thoughts are
    separate already is not changed."""
    return written if written.thoughts is not None else _of(written, split(written.text))


def _of(written: Generated, found: Split) -> Generated:
    if found.answer == written.text:
        return replace(written, thoughts=_both(written.thoughts, found.thoughts))
    # The log-probability is that of the whole text, and a count of 0 means that no thoughts were recognised.
    return replace(
        written,
        text=found.answer,
        thoughts=_both(written.thoughts, found.thoughts),
        logprob=None,
        reasoning_tokens=written.reasoning_tokens or None,
    )


def _both(given: str | None, found: str) -> str:
    """Thoughts that were separate already, and those found in the text."""
    return "\n\n".join(part for part in (given, found) if part)


def _why(written: Generated, cut: bool) -> str:
    number = "new tokens that nobody counted" if written.tokens is None else f"{written.tokens} new tokens"
    if written.finish == "length" and cut:
        return f"its thoughts had not ended after {number}, all that it may write"
    if written.finish == "length":
        return f"its thoughts took all of the {number} that it may write"
    return f"it stopped inside its thoughts, after {number}"
