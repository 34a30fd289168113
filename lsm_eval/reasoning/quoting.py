"""Rules that tell whether a marker is used or only mentioned, for texts about the markers themselves."""

from __future__ import annotations

import re

from lsm_eval.reasoning.families import Marker

_OPENING = "“‘«„「『"
_EITHER = "`\"'"
_CLOSING = "`\"'”’»“」』"
_FENCE = re.compile(r"^\s{0,3}(?:```|~~~)", re.MULTILINE)
_SENTENCE_ENDS = ".!?:;…。！？：；)]}>*\"'”’»」』"
_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])")
_ELEMENT = re.compile(r"<([a-z][\w-]*)(?:\s[^<>]*)?>")
_AROUND_ANSWERS = frozenset({"answer", "output", "reply", "response", "result"})
_WORDS_OF_THOUGHT = 5  # the fewest words of a block within a sentence; with fewer it is an example of a tag


def quoted(text: str, first: Marker, last: Marker | None = None) -> bool:
    """Whether a marker, or all from `first` to `last`, is directly enclosed by quotation marks or backticks."""
    before, after = text[: first.start][-1:], text[(last or first).end :][:1]
    return bool(before and after) and after in _CLOSING and _opens_quotation(text, first.start - 1)


def _opens_quotation(text: str, at: int) -> bool:
    """Whether a quotation begins with the character at `at`: an opening mark, or an ambiguous one that comes after a space, a
    bracket or nothing, or that is preceded by an even number of them on its line."""
    mark = text[at]
    if mark not in _EITHER:
        return mark in _OPENING
    before = text[at - 1 : at] if at else ""
    start = text.rfind("\n", 0, at) + 1
    return not before or before.isspace() or before in "([{:,=—–" or text.count(mark, start, at + 1) % 2 == 1


def in_code(text: str, marker: Marker) -> bool:
    """Whether it is inside a fenced block, or a code span on its line."""
    if len(_FENCE.findall(text, 0, marker.start)) % 2 and _FENCE.search(text, marker.end):
        return True
    start = text.rfind("\n", 0, marker.start) + 1
    end = text.find("\n", marker.end)
    line_after = text[marker.end : end if end >= 0 else len(text)]
    return text.count("`", start, marker.start) % 2 == 1 and "`" in line_after


def within_sentence(text: str, start: int, marker: Marker) -> bool:
    """Whether words of the same sentence precede it on its line; `start`: where the relevant text begins."""
    line = text[max(text.rfind("\n", 0, marker.start) + 1, start) : marker.start].rstrip()
    return bool(line) and (line[-1] not in _SENTENCE_ENDS or _ITEM.fullmatch(line) is not None)


def in_element(text: str, start: int, marker: Marker, close: Marker) -> bool:
    """Whether a block is inside an element of markup that begins before it and ends after it."""
    before, after = text[start : marker.start].lower(), text[close.end :].lower()
    names = {match[1] for match in _ELEMENT.finditer(before)} - _AROUND_ANSWERS
    return any(f"</{name}>" in after and f"</{name}>" not in before for name in names)


def only_named(text: str, start: int, marker: Marker, close: Marker | None, *, thinks: bool) -> bool:
    """Whether an opening marker that does not begin the text is only mentioned.

    It is if it is quoted, in code, or part of a piece of markup; also within a sentence, unless it is closed and its content is long
    enough to be a thought. In a text that is known to contain thoughts (`thinks`), within a sentence only if it is a
    separate word and never closed.
    """
    if quoted(text, marker) or in_code(text, marker) or quoted(text, marker, close):
        return True
    if not thinks and close is not None and in_element(text, start, marker, close):
        return True
    if not within_sentence(text, start, marker):
        # Thoughts begin on a new line or at once; "<think> marks a thought" does neither.
        after = text[marker.end : marker.end + 1]
        return not thinks and close is None and bool(after) and not (after == "\n" or after.isalnum())
    if thinks:
        return close is None and text[: marker.start][-1:].isspace()
    if close is None:
        return True
    inside = text[marker.end : close.start]
    return "\n" not in inside and len(inside.split()) < _WORDS_OF_THOUGHT


def only_named_lone(text: str, start: int, marker: Marker) -> bool:
    """Whether a closing marker without an opening one is only mentioned: quoted, in code, or a word of a sentence
    (white space around it, words before it, and the sentence continues in lower case)."""
    if quoted(text, marker) or in_code(text, marker):
        return True
    after = text[marker.end : marker.end + 2]
    goes_on = after[:1] in (",", ".", ";", ")") or (after[:1] == " " and after[1:].islower())
    return goes_on and text[: marker.start][-1:] == " " and within_sentence(text, start, marker)
