"""Does an answer say that it does not know? English and Chinese, by phrases.

Made for short answers to questions of fact. A finding is an answer that gives none: it says that it does not know
or is not sure, that the question cannot be answered, or it declines. An answer that says so and then gives one all
the same ("I'm not sure, but I think it was Paris"), or gives one first, is an attempt, and no finding.

`cannot_tell`: nothing to read (`empty`, `no letters`), or mostly letters that are neither Latin nor Chinese
(`another language`); so is another language of Latin letters, but for a few plain phrases of Spanish, French and German.

It is not the detector of refusals: a refusal of a harmful request has reasons and warnings, which are not looked for.
No card: there are no labelled abstentions to measure it on (docs/closed_book_qa.md says what is known).
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
    """Finds answers that give none (kind `abstention`)."""

    name = "abstention"
    version = "2"

    def detect(self, text: str) -> Verdict:
        """What an answer says, its thoughts left out; the finding spans the first phrase that says so."""
        return of_answer(self._detect, text)

    def _detect(self, text: str) -> Verdict:
        if not text.strip():
            return Verdict("cannot_tell", why="empty")
        letters = [char for char in text if char.isalpha()]
        if not letters and not any(char.isdigit() for char in text):
            return Verdict("cannot_tell", why="no letters")
        if sum(map(_readable, letters)) * 2 < len(letters):
            return Verdict("cannot_tell", why="another language")
        # One character for one, so that offsets stay those of the text.
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
    """Whether the phrase is all there is: too little to know the language by."""
    return bool(pattern.fullmatch(text.strip(" .!¡…\n")))


def _elsewhere(text: str, spoken: str) -> Verdict:
    """The verdict on a text in another language of Latin letters: a plain phrase, or it cannot be told."""
    found = ELSEWHERE[spoken].search(text) if spoken in ELSEWHERE else None
    if found is None or ELSEWHERE_ATTEMPT.search(text, found.end()):
        return Verdict("cannot_tell", why="another language")
    return Verdict("finding", (Finding("abstention", *found.span()),))


def _answers_first(before: str) -> bool:
    """Whether what stands before the phrase holds a whole sentence that is more than a preface."""
    ends = [match.end() for match in SENTENCE.finditer(before)]
    return bool(ends) and any(char.isalnum() for char in PREFACE.sub("", before[: ends[-1]]))


def _is_title(text: str) -> bool:
    """Whether it is written like the title of a work: "I Can't Help Falling in Love"."""
    long = [word for word in text.split()[1:] if len(word) > 3]
    return len(long) > 1 and all(word[0].isupper() for word in long) and not text.isupper()


def _readable(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or unicodedata.name(char, "").startswith(("LATIN", "FULLWIDTH LATIN"))
