"""Is a text copied from a source? By the longest run of words, or of characters, that the two have in common.

Words are compared without case and punctuation, so that a changed comma hides nothing. A run of eight words hardly
ever comes about by itself, but for quotations, formulas and names that everybody repeats: those are found too, and
the card's specificity says nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.detectors.base import Finding, Verdict
from lsm_eval.errors import UserError

COPIED = "copied"
"""The kind of finding: a stretch of the text that stands in the source as well."""

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Kana and Han, which put no space between words: read a character at a time."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch that two sequences have in common."""

    start: int
    """Of the first sequence's item that it begins with."""
    other: int
    """The same in the second sequence."""
    length: int


class Copying:
    """Finds a run of at least `words` words that stands in the source in the same order.

    A text of fewer words than that is one that it cannot tell of, unless every one of its `least` or more words
    stands in the source in a row. The verdict's score is the share of the text's words that lie in such runs.
    `source` binds it to one source, so that it reads a text alone like any other detector."""

    name = "copying"
    version = "1"

    def __init__(self, *, words: int = 8, least: int = 4, source: str | None = None) -> None:
        if not 1 <= least <= words:
            raise UserError(f"copying needs 1 ≤ least ≤ words: got least {least} and words {words}.")
        self.words = words
        self.least = least
        self.source = source

    def detect(self, text: str, source: str | None = None) -> Verdict:
        """The verdict on one text. Raises `UserError` where neither call nor detector names a source."""
        given = self.source if source is None else source
        if given is None:
            raise UserError(
                "the detector 'copying' compares a text with its source and was given none: use a metric that reads "
                "the source from the task (verbatim, edit_similarity), or Copying(source=…)."
            )
        places = [(match.start(), match.end()) for match in _WORD.finditer(text)]
        own, theirs = words(text), words(given)
        if not theirs:
            return Verdict("cannot_tell", why="the source has no words")
        if len(own) < self.words:
            if len(own) >= self.least and longest_run(own, theirs).length == len(own):
                return Verdict("finding", (Finding(COPIED, places[0][0], places[-1][1], 1.0),), score=1.0)
            return Verdict("cannot_tell", why=f"fewer than {self.words} words")
        runs = common_runs(own, theirs, self.words)
        share = sum(run.length for run in runs) / len(own)
        found = tuple(
            Finding(
                COPIED, places[run.start][0], places[run.start + run.length - 1][1], run.length / len(own)
            )
            for run in runs
        )
        return Verdict("finding" if found else "none", found, score=share)


def words(text: str) -> list[str]:
    """The words, in lower case and without punctuation; of Chinese and Japanese the characters."""
    return [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]


def longest_run(one: Sequence[Hashable], other: Sequence[Hashable]) -> Run:
    """The longest stretch that two sequences (of words, or of characters) have in common; the first of equally
    long ones, and length 0 where they share nothing. Takes len(one) passes over `other`."""
    best = Run(0, 0, 0)
    for at, lengths in enumerate(_run_lengths(one, other)):
        longest = int(lengths.max(initial=0))
        if longest > best.length:
            best = Run(at + 1 - longest, int(lengths.argmax()) + 1 - longest, longest)
    return best


def common_runs(one: Sequence[Hashable], other: Sequence[Hashable], least: int) -> list[Run]:
    """Stretches of `one` of at least `least` items that stand in `other`, in order and not overlapping; chosen from
    the end of `one`, each as long as can be."""
    ending = [
        (int(lengths.max(initial=0)), int(lengths.argmax()) if len(lengths) else 0)
        for lengths in _run_lengths(one, other)
    ]
    found: list[Run] = []
    at = len(one) - 1
    while at >= 0:
        length, end = ending[at]
        if length >= least:
            found.append(Run(at + 1 - length, end + 1 - length, length))
            at -= length
        else:
            at -= 1
    return found[::-1]


def verbatim_prefix(text: Sequence[Hashable], source: Sequence[Hashable]) -> int:
    """How many items the two have in common from the start on."""
    return next(
        (at for at, (one, other) in enumerate(zip(text, source, strict=False)) if one != other),
        min(len(text), len(source)),
    )


def edit_similarity(one: str, other: str) -> float:
    """1 - d / max(length), 0 to 1, for the Levenshtein distance d in characters (Levenshtein 1966); 1 for two empty
    texts. Time and memory for a few thousand characters each."""
    longest = max(len(one), len(other))
    return 1 - edit_distance(one, other) / longest if longest else 1.0


def edit_distance(one: str, other: str) -> int:
    """The fewest characters that have to be put in, taken out or exchanged to make one text the other."""
    if not one or not other:
        return max(len(one), len(other))
    codes = _codes(other)
    places = np.arange(len(other) + 1)
    row = places.copy()
    for number, character in enumerate(one, start=1):
        new = np.empty_like(row)
        new[0] = number
        np.minimum(row[1:] + 1, row[:-1] + (codes != ord(character)), out=new[1:])
        # Putting in comes last: the best of all earlier places and as many insertions as lie between.
        row = np.minimum.accumulate(new - places) + places
    return int(row[-1])


def _run_lengths(one: Sequence[Hashable], other: Sequence[Hashable]) -> Iterator[NDArray[np.intp]]:
    """For each item of `one`, and each of `other` [len(other)], the length of the common run that ends there."""
    numbers: dict[Hashable, int] = {}
    codes = np.array([numbers.setdefault(item, len(numbers)) for item in other], dtype=np.intp)
    before = np.zeros(len(other), dtype=np.intp)
    for item in one:
        shifted = np.zeros_like(before)
        shifted[1:] = before[:-1]
        before = np.where(codes == numbers.get(item, -1), shifted + 1, 0)
        yield before


def _codes(text: str) -> NDArray[np.int64]:
    return np.array([ord(character) for character in text], dtype=np.int64)
