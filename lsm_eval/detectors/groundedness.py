"""Detects sentences that their source does not support, by the word k-grams that the two share, without a model.

It compares words, not meaning: a sentence that contradicts the source in the source's own words passes, and a correct paraphrase
does not. Against human labels it ranks sentences well if summaries copy (QAGS CNN/DM, AUROC .85 with k = 3) and poorly if they
rephrase (QAGS XSum, .68 with k = 1); the cards give the resulting accuracy at each threshold.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol, runtime_checkable

from lsm_eval.detectors.base import NOTHING, Finding, Verdict
from lsm_eval.errors import UserError

UNGROUNDED = "ungrounded"
"""The kind of finding: a sentence that its source does not support."""

_ASCII = re.compile(r"[a-z0-9]+")
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Kana and Han, which have no spaces between words."""
_ANY = re.compile(rf"[a-z0-9]+|[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


@runtime_checkable
class SourcedDetector(Protocol):
    """A detector that reads a text together with its source."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def detect(self, text: str, source: str | None = None) -> Verdict: ...


class Groundedness:
    """Finds sentences with less than a share of `threshold` of their word k-grams in the source.

    Give it one sentence at a time, as its cards were measured. A verdict's score is 1 - precision: higher is less grounded. For a
    sentence of fewer than k words the verdict is `cannot_tell`. `source`: a fixed source, with which it can be used like other
    detectors, on a text alone."""

    name = "groundedness"
    version = "1"

    def __init__(self, *, k: int = 3, threshold: float = 0.9, source: str | None = None) -> None:
        if k < 1 or not 0 < threshold <= 1:
            raise UserError(
                f"groundedness needs k of at least 1 and a threshold above 0 and not above 1: got {k} and {threshold}."
            )
        self.k = k
        self.threshold = threshold
        self.source = source

    def detect(self, text: str, source: str | None = None) -> Verdict:
        """The verdict on one sentence. Raises `UserError` if neither the call nor the detector has a source."""
        given = self.source if source is None else source
        if given is None:
            raise UserError(
                "the detector 'groundedness' compares a text with its source and was given none: use the metric "
                "`ungrounded_rate`, which reads `metadata.source`, or Groundedness(source=…)."
            )
        precision = kgram_precision(text, given, self.k)
        if precision is None:
            return Verdict("cannot_tell", why=f"fewer than {self.k} words")
        score = 1 - precision
        if precision >= self.threshold:
            return Verdict(NOTHING.state, score=score)
        return Verdict("finding", (Finding(UNGROUNDED, 0, len(text), score),), score=score)


def tokens(text: str) -> list[str]:
    """Lower-case runs of ASCII letters and digits; other letters are separators. In a text with more other letters than ASCII ones,
    words of any script are tokens instead, and in Chinese and Japanese each character."""
    lowered = text.lower()
    words = _ASCII.findall(lowered)
    others = sum(character.isalnum() and not character.isascii() for character in lowered)
    return _ANY.findall(lowered) if others > sum(map(len, words)) else words


def kgram_precision(text: str, source: str, k: int) -> float | None:
    """Share of the text's word k-grams, with repeats, that occur anywhere in the source, 0 to 1; None if the text has fewer
    than k words."""
    found = _kgrams(tokens(text), k)
    if not found:
        return None
    known = _known(source, k)
    return sum(gram in known for gram in found) / len(found)


def extractive_fragments(text: str, source: str) -> tuple[int, ...]:
    """Lengths in words of the fragments that the text shares with its source: from left to right, the longest run
    that also occurs in the source, skipping a word that occurs nowhere (Grusky et al. 2018, section 4, figure 2)."""
    words, given = tokens(text), _words(source)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(given):
        places.setdefault(word, []).append(place)
    lengths = []
    start = 0
    while start < len(words):
        length = max((_run(words, start, given, place) for place in places.get(words[start], ())), default=0)
        if length:
            lengths.append(length)
        start += max(1, length)
    return tuple(lengths)


def coverage(text: str, source: str) -> float | None:
    """Share of the text's words that lie in a shared fragment; None for a text without words."""
    count = len(tokens(text))
    return sum(extractive_fragments(text, source)) / count if count else None


def density(text: str, source: str) -> float | None:
    """Sum of the squared lengths of the shared fragments over the text's number of words: about the length of the
    fragment that an average word lies in; None for a text without words."""
    count = len(tokens(text))
    return sum(n * n for n in extractive_fragments(text, source)) / count if count else None


def _run(words: list[str], start: int, source: tuple[str, ...], place: int) -> int:
    length = 0
    while (
        start + length < len(words)
        and place + length < len(source)
        and words[start + length] == source[place + length]
    ):
        length += 1
    return length


def _kgrams(words: list[str] | tuple[str, ...], k: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + k]) for i in range(len(words) - k + 1)]


@lru_cache(maxsize=256)
def _words(source: str) -> tuple[str, ...]:
    return tuple(tokens(source))


@lru_cache(maxsize=256)
def _known(source: str, k: int) -> frozenset[tuple[str, ...]]:
    return frozenset(_kgrams(_words(source), k))
