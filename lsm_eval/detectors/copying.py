"""Detects text copied from a source, by the longest common runs of words or characters.

Words are compared without case and punctuation, so that a changed comma does not hide a copy. A run of eight words is rarely a
coincidence, except for common quotations, formulas and names: those are found too, and the card's specificity does not cover
them.
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
"""The kind of finding: a stretch of the text that also occurs in the source."""

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Kana and Han, which have no spaces between words: each character counts as a word."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")


@dataclass(frozen=True, slots=True)
class Run:
    """A common run of two sequences."""

    start: int
    """Index of its first item in the first sequence."""
    other: int
    """Index of its first item in the second sequence."""
    length: int


class Copying:
    """Finds runs of at least `words` words that occur in the source in the same order.

    For a text of fewer words the verdict is `cannot_tell`, unless it has at least `least` words and all of them occur in the source
    in a row. The verdict's score is the share of the text's words in such runs. `source`: a fixed source, with which it can be used
    like other detectors, on a text alone."""

    name = "copying"
    version = "1"

    def __init__(self, *, words: int = 8, least: int = 4, source: str | None = None) -> None:
        if not 1 <= least <= words:
            raise UserError(f"copying needs 1 ≤ least ≤ words: got least {least} and words {words}.")
        self.words = words
        self.least = least
        self.source = source

    def detect(self, text: str, source: str | None = None) -> Verdict:
        """The verdict on one text. Raises `UserError` if neither the call nor the detector has a source."""
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
    """The words in lower case without punctuation; in Chinese and Japanese the characters."""
    return [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]


def longest_run(one: Sequence[Hashable], other: Sequence[Hashable]) -> Run:
    """The longest common run of two sequences (of words or characters), the first of several; its length is 0 if they share
    nothing. Takes len(one) passes over `other`."""
    best = Run(0, 0, 0)
    for at, lengths in enumerate(_run_lengths(one, other)):
        longest = int(lengths.max(initial=0))
        if longest > best.length:
            best = Run(at + 1 - longest, int(lengths.argmax()) + 1 - longest, longest)
    return best


def common_runs(one: Sequence[Hashable], other: Sequence[Hashable], least: int) -> list[Run]:
    """Runs of at least `least` items of `one` that occur in `other`, in order and without overlap; chosen from the end of
    `one`, each as long as possible."""
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
    """Length of the common prefix."""
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
    """The smallest number of insertions, deletions and substitutions of characters that turns one text into the other."""
    if not one or not other:
        return max(len(one), len(other))
    codes = _codes(other)
    places = np.arange(len(other) + 1)
    row = places.copy()
    for number, character in enumerate(one, start=1):
        new = np.empty_like(row)
        new[0] = number
        np.minimum(row[1:] + 1, row[:-1] + (codes != ord(character)), out=new[1:])
        # Insertions come last: the best of all earlier positions plus one insertion for each position between.
        row = np.minimum.accumulate(new - places) + places
    return int(row[-1])


def _run_lengths(one: Sequence[Hashable], other: Sequence[Hashable]) -> Iterator[NDArray[np.intp]]:
    """For each item of `one`: the lengths of the common runs that end at it and at each item of `other` [len(other)]."""
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
