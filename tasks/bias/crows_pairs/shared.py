"""What two sentences share, asked so that a masked model scores those words only."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TypedDict

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


class SharedWords(TypedDict):
    """Requests that tell how likely the shared words of two sentences are, and how to add them up."""

    asked: list[tuple[str, list[str]]]
    """Context and the one continuation of each request beside the first, which asks for both sentences whole."""
    signs: list[tuple[int, int]]
    """For each of them: which sentence it is about (0 or 1), and the sign with which it counts."""
    whole: tuple[int, int]
    """Whether the whole sentence's score counts (1 or 0), for each."""
    shared: int
    """Number of shared words; 0 where nothing can be compared."""


def shared_words(first: str, second: str) -> SharedWords:
    """The words that stand in both sentences in the same order (the longest matching blocks of `difflib`, as in
    Nangia et al. 2020, section 3), and what to ask for their scores.

    A model that masks each token in turn and sees all others scores the end of a sentence from a place on, given
    what stands before it. The words from place a up to place b are the end from a on, minus the end from b on."""
    spans = [_spans(first), _spans(second)]
    words = [
        [text[start:end] for start, end in own] for text, own in zip((first, second), spans, strict=True)
    ]
    blocks = [
        block
        for block in SequenceMatcher(None, words[0], words[1], autojunk=False).get_matching_blocks()
        if block.size
    ]
    found = SharedWords(asked=[], signs=[], whole=(0, 0), shared=sum(block.size for block in blocks))
    whole = [0, 0]
    for which, text in enumerate((first, second)):
        for block in blocks:
            start = block.a if which == 0 else block.b
            for place, sign in ((start, 1), (start + block.size, -1)):
                if place == 0:
                    whole[which] += sign
                elif place < len(spans[which]):
                    cut = spans[which][place - 1][1]
                    found["asked"].append((text[:cut], [text[cut:]]))
                    found["signs"].append((which, sign))
    found["whole"] = (whole[0], whole[1])
    return found


def _spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _WORD.finditer(text)]
