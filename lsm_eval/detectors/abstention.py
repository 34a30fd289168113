"""Detects abstentions, answers that say that they do not know, by English and Chinese phrases.

It is made for short answers to factual questions. A finding is a response without an answer: it says that it does not know
or is not sure, or that the question cannot be answered, or it declines. A response that says so but still gives an answer
("I'm not sure, but I think it was Paris"), before or after, is an attempt and not a finding.

`cannot_tell`: the text has nothing to read (`empty`, `no letters`) or is in another language (`another language`): in neither
Latin nor Chinese letters, or in a language of Latin letters other than English, except for a few phrases of Spanish, French and German.

It does not replace the detector of refusals: a refusal of a harmful request has reasons and warnings, which are not detected here.
It has no card, since there are no labelled abstentions to measure it on (see docs/closed_book_qa.md).
"""

from __future__ import annotations

import re
import unicodedata

from lsm_eval.detectors.abstention_phrases import (
    ATTEMPT,
    ELSEWHERE,
    ELSEWHERE_ATTEMPT,
    PHRASE,
    PREFACE,
    SENTENCE,
    SIMPLER,
)
from lsm_eval.detectors.base import NOTHING, Finding, Verdict, of_answer
from lsm_eval.detectors.languages import language

_APOSTROPHES = str.maketrans("\u2018\u2019\u00b4`", "''''")


class Abstention:
    """Finds abstentions (kind `abstention`)."""

    name = "abstention"
    version = "2"

    def detect(self, text: str) -> Verdict:
        """The verdict on an answer without its thoughts; a finding spans the first phrase of abstention."""
        return of_answer(self._detect, text)

    def _detect(self, text: str) -> Verdict:
        if not text.strip():
            return Verdict("cannot_tell", why="empty")
        letters = [char for char in text if char.isalpha()]
        if not letters and not any(char.isdigit() for char in text):
            return Verdict("cannot_tell", why="no letters")
        if sum(map(_readable, letters)) * 2 < len(letters):
            return Verdict("cannot_tell", why="another language")
        # Replaced one character by one, so that offsets do not change.
        plain = text.translate(_APOSTROPHES).translate(SIMPLER)
        spoken = language(text) if letters else "en"
        spoken = next((name for name in ELSEWHERE if _is_whole(ELSEWHERE[name], plain)), spoken)
        if spoken not in ("en", "zh"):
            return _elsewhere(plain, str(spoken))
        start = len(plain) - len(plain.lstrip())
        found = PHRASE.search(plain[start:].rstrip())
        if found is None or _is_title(text) or ATTEMPT.search(plain[start + found.end() :]):
            return NOTHING
        if _answers_first(plain[: start + found.start()]):
            return NOTHING
        return Verdict("finding", (Finding("abstention", start + found.start(), start + found.end()),))


def _is_whole(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the phrase is the whole text, which is too little to recognise the language."""
    return bool(pattern.fullmatch(text.strip(" .!¡…\n")))


def _elsewhere(text: str, spoken: str) -> Verdict:
    """The verdict on a text in another language of Latin letters: a finding if it has a clear phrase, else `cannot_tell`."""
    found = ELSEWHERE[spoken].search(text) if spoken in ELSEWHERE else None
    if found is None or ELSEWHERE_ATTEMPT.search(text, found.end()):
        return Verdict("cannot_tell", why="another language")
    return Verdict("finding", (Finding("abstention", *found.span()),))


def _answers_first(before: str) -> bool:
    """Whether the text before the phrase has a complete sentence that is more than a preface."""
    ends = [match.end() for match in SENTENCE.finditer(before)]
    return bool(ends) and any(char.isalnum() for char in PREFACE.sub("", before[: ends[-1]]))


def _is_title(text: str) -> bool:
    """Whether the phrase is part of a title: "I Can't Help Falling in Love"."""
    long = [word for word in text.split()[1:] if len(word) > 3]
    return len(long) > 1 and all(word[0].isupper() for word in long) and not text.isupper()


def _readable(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or unicodedata.name(char, "").startswith(("LATIN", "FULLWIDTH LATIN"))
