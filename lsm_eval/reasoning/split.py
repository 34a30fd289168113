"""Splits a text into thoughts and answer. This is the only place that does so.

The answer is the text outside of blocks of thoughts. A block begins

- at the start of the text, if the prompt ended with an opening marker;
- with an opening marker at the start of the text, or after another block (white space does not count);
- with an opening marker further on, unless it is only mentioned (`quoting`).

It ends with the first closing marker of its kind that is not quoted. If there is none, the text ended inside its thoughts,
and has no answer. A closing marker without an opening one ends thoughts that something else opened (usually the chat
template): everything before it, back to the last block, is a thought. After a block it is dropped if nothing follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.reasoning import harmony, quoting
from lsm_eval.reasoning.families import WRAPPERS, Marker, closing, markers


@dataclass(frozen=True, slots=True)
class Split:
    """The parts of a text."""

    answer: str
    """The text outside of thoughts; the unchanged text if there are none."""
    thoughts: str
    """The blocks, with a blank line between them; empty if there are none, or all are empty."""
    cut: bool = False
    """Whether the text ends inside its thoughts, so that there is no answer."""


def split(text: str, *, opened: bool = False, believing: bool = False) -> Split:
    """Splits a text. `opened`: the prompt ends inside thoughts (`prompts.opens`). `believing`: every marker counts, none is
    taken as only mentioned."""
    found = markers(text)
    messages = None if _closes_before_channels(text, found) else harmony.messages(text, opened=opened)
    if messages is not None:
        return _of_messages(messages)
    if not found and not opened:
        return Split(text, "")
    return _Reader(text, found, believing).read(opened)


def answer_start(text: str, *, opened: bool = False) -> tuple[int, int] | None:
    """Where the answer begins in a text that begins with thoughts: after the last of the blocks at its beginning, and after the
    white space that follows them. None if the text ends inside them; (0, 0) if it begins with none.

    Once an answer has begun, the result does not change as the text grows.
    """
    return _begin(text, opened)[0]


def only_closed(text: str) -> bool:
    """Whether it begins with thoughts that its first marker closes, without an opening marker."""
    found = markers(text)
    return bool(found) and found[0].kind == "close" and bool(split(text).thoughts)


def unmarked(text: str) -> bool:
    """Whether it has no markers of thoughts."""
    return not markers(text) and "<|channel|>" not in text


def closing_text(text: str, opened: str | None = None) -> str:
    """The text that closes the thoughts which a text begins with and ends inside of. `opened`: the text that closes those
    which the prompt opened."""
    if text.lstrip().startswith("<|channel|>") or (opened is not None and opened == harmony.CLOSING):
        return harmony.CLOSING
    block = _begin(text, opened is not None)[1]
    close = closing(block.name, block.tag) if block is not None else opened or "</think>"
    return f"{'' if not text or text.endswith(chr(10)) else chr(10)}{close}\n\n"


def _begin(text: str, opened: bool) -> tuple[tuple[int, int] | None, Marker | None]:
    """The result of `answer_start`, and the marker that opened the block that the text ends in; None if the prompt did."""
    found = markers(text)
    named = text.lstrip().startswith("<|channel|>")
    if named or (opened and harmony.speaks(text) and not _closes_before_channels(text, found)):
        final = harmony.answer_start(text)
        return (None if final is None else (final, _past_space(text, final))), None
    at, number, inside = 0, 0, opened
    block: Marker | None = None
    while True:
        if not inside:
            block = found[number] if number < len(found) else None
            if block is None or block.kind == "close" or text[at : block.start].strip():
                return ((at, _past_space(text, at)) if at else (0, 0)), None
            at, number = block.end, number + 1
            if block.kind == "empty":
                continue
        close = _closer(text, found, number, block)
        if close is None:
            return None, block
        at, number, inside = found[close].end, close + 1, False


def _closes_before_channels(text: str, found: Sequence[Marker]) -> bool:
    """Whether thoughts of another format end before a channel is named, so that the text only mentions channels."""
    first = harmony.CHANNEL.search(text)
    return first is not None and any(one.kind == "close" and one.start < first.start() for one in found)


class _Reader:
    def __init__(self, text: str, found: Sequence[Marker], believing: bool) -> None:
        self.text, self.found, self.believing = text, found, believing
        self.pieces: list[str] = []
        self.thoughts: list[str] = []
        self.at = 0
        """Where the text begins that is not yet assigned to answer or thoughts."""
        self.blocks = 0
        self.owed = 0
        """Opening markers inside the last block that were not closed, so that the following text may still be a thought."""
        self.named: set[int] = set()
        """Numbers of closing markers that are only mentioned, like the opening ones that they belong to."""

    def read(self, opened: bool) -> Split:
        number = 0
        if opened:
            number = self._block(None, 0)
        while 0 <= number < len(self.found):
            marker = self.found[number]
            if marker.kind == "close":
                if number not in self.named:
                    self._lone(marker)
                number += 1
            elif not self._meant(number):
                number += 1
            else:
                self.pieces.append(self.text[self.at : marker.start])
                self.at = marker.end
                self.blocks += 1
                number = number + 1 if marker.kind == "empty" else self._block(marker, number + 1)
        thoughts = "\n\n".join(part.strip() for part in self.thoughts if part.strip())
        if number < 0:
            return Split("", thoughts, cut=True)
        rest = self.text[self.at :]
        if not self.blocks:
            return Split(self.text, "")
        answer = _unwrapped(_joined([*self.pieces, rest]))
        return Split(answer, thoughts, cut=bool(self.owed) and not answer.strip())

    def _block(self, marker: Marker | None, number: int) -> int:
        """Read a block whose content begins at `at`. Returns the number of the marker after it, or -1 if it never ends."""
        close = _closer(self.text, self.found, number, marker)
        self.blocks += marker is None
        if close is None:
            self.thoughts.append(self.text[self.at :])
            return -1
        inside = self.found[number:close]
        self.owed = sum(m.kind == "open" and not quoting.quoted(self.text, m) for m in inside)
        self.thoughts.append(self.text[self.at : self.found[close].start])
        self.at = self.found[close].end
        return close + 1

    def _lone(self, marker: Marker) -> None:
        if not self.believing and quoting.only_named_lone(self.text, self.at, marker):
            return
        before = self.text[self.at : marker.start]
        if self.blocks and not self.owed and not self.text[marker.end :].strip():
            self.pieces.append(before)  # a superfluous marker after the answer
        else:
            self.thoughts.append(before)
        self.owed = max(self.owed - 1, 0)
        self.blocks += 1
        self.at = marker.end

    def _meant(self, number: int) -> bool:
        marker = self.found[number]
        if self.believing or not self.text[self.at : marker.start].strip():
            return True
        close = _closer(self.text, self.found, number + 1, marker) if marker.kind == "open" else number
        ending = None if close is None else self.found[close]
        if not quoting.only_named(self.text, self.at, marker, ending, thinks=bool(self.blocks)):
            return True
        if close is not None:
            self.named.add(close)
        return False


def _closer(text: str, found: Sequence[Marker], number: int, marker: Marker | None) -> int | None:
    """Number of the marker that closes a block whose content begins before the marker `number`: the first that is not quoted;
    for a tag, of any tag (models mix them up), otherwise of its own family. `marker` None: any closing marker."""
    for at in range(number, len(found)):
        one = found[at]
        if one.kind != "close" or quoting.quoted(text, one):
            continue
        if marker is None or (marker.tag and one.tag) or marker.name == one.name:
            return at
    return None


def _of_messages(messages: Sequence[tuple[bool, str]]) -> Split:
    answers = [content for thought, content in messages if not thought]
    thoughts = "\n\n".join(content.strip() for thought, content in messages if thought)
    return Split("".join(answers).lstrip(), thoughts, cut=not answers)


def _joined(pieces: Sequence[str]) -> str:
    """The pieces between blocks as one text, with words separated."""
    whole = ""
    for piece in pieces:
        apart = not whole or whole[-1].isspace() or not piece or piece[0].isspace()
        whole += piece if apart else f" {piece}"
    return whole.lstrip()


def _unwrapped(answer: str) -> str:
    for opener, closer in WRAPPERS:
        start = re.match(rf"\s*{opener}\s*", answer)
        if start:
            body = answer[start.end() :]
            end = re.search(rf"\s*{closer}\s*\Z", body)
            return body[: end.start()] if end else body
    return answer


def _past_space(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())
