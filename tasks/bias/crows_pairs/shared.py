"""The shared words of two sentences, as requests in which a masked model scores only these words."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TypedDict

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


class SharedWords(TypedDict):
    """Requests for the likelihood of two sentences' shared words, and how to add up the answers."""

    asked: list[tuple[str, list[str]]]
    """Context and the one continuation of each request after the first, which asks for both whole sentences."""
    signs: list[tuple[int, int]]
    """For each of them: its sentence (0 or 1), and the sign with which it counts."""
    whole: tuple[int, int]
    """For each sentence, whether the score of the whole sentence counts (1 or 0)."""
    shared: int
    """Number of shared words; 0 if nothing can be compared."""


def shared_words(first: str, second: str) -> SharedWords:
    """The words that both sentences have in the same order (the longest matching blocks of `difflib`, as in
    Nangia et al. 2020, section 3), and the requests for their scores.

    A model that masks each token in turn and sees all others scores the end of a sentence from a given place on.
    The score of the words from place a to place b is that of the end from a minus that of the end from b."""
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
