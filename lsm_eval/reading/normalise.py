"""Normalisation of short answers, shared by all metrics that compare them with references.

- `squad`: that of SQuAD's script (Rajpurkar et al. 2016, section 6.1): lower case, without ASCII punctuation and the
  articles a, an, the. Also used for NQ-open (Lee et al. 2019).
- `triviaqa`: that of TriviaQA's script (Joshi et al. 2017): the same, but punctuation (and underscores and quotes)
  becomes spaces.
- `zh`: NFKC-folded letters and digits only.

These scripts leave nothing of some answers: "A" (a blood type, an option), "The The", "+", "°". Such a reference would
equal any other text that they empty, and the empty text itself. Therefore a reference of articles alone keeps its
articles, one of signs alone keeps its signs, and the answer compared with it keeps the same (`Kept`). A blank
reference equals nothing.

The scripts also delete signs that matter, so texts that they make equal are not equal answers if their numbers or signs
differ: -5 and 5, 3.5 and 35, 1/2 and 12, "C++" and "C", "AB+" and "AB-", "x > y" and "x < y" (`marks`). Composed and
decomposed letters are the same.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Literal

Normalisation = Literal["squad", "triviaqa", "zh"]
Kept = Literal["words", "articles", "signs"]
"""What a normalisation keeps: words only, as the scripts do; articles too; or everything except case and the width of
white space."""

KEPT: tuple[Kept, ...] = ("words", "articles", "signs")

_QUOTES = "\u2018\u2019\u00b4`"
_TO_SPACES = str.maketrans(dict.fromkeys(string.punctuation + _QUOTES, " "))
_TO_NOTHING = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Letters of scripts without spaces between words."""
_AROUND = " \t\n.,;:!?\"'“”‘’„«»`*()[]。，；：！？、「」『』（）"

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MARK = re.compile(
    r"(?:(?:(?<=^)|(?<=[\s($=:,~]))[-−])?[$€£]?\d+(?:\.\d+)*|(?:(?<=[^\W\d_])[+#]+|(?<=\b[A-Z])-|(?<=\b[A-Z][A-Z])-)(?=$|[\s.,;:!?)\]\"'])|[<>≤≥≠]=?|(?<=[^\W_][ -])[Aa](?=\W*$)"
)
_NO_MARK = re.compile(r"[$€£]")


@lru_cache(maxsize=4096)
def normalised(text: str, how: Normalisation, kept: Kept | None = None) -> str:
    """The text as compared. Without `kept`, by the first of `KEPT` that leaves anything; empty for a blank text."""
    if kept is None:
        return next((found for kept in KEPT if (found := normalised(text, how, kept))), "")
    if kept == "signs":
        return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    text = unicodedata.normalize("NFC", text)
    if how == "zh":
        folded = unicodedata.normalize("NFKC", text).casefold()
        folded = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", folded)  # 1,000
        return "".join(re.findall(r"(?<=\d)\.(?=\d)|[^\W_]", folded))
    text = text.lower().translate(_TO_SPACES if how == "triviaqa" else _TO_NOTHING)
    if kept == "words":
        return " ".join(_ARTICLE.sub(" ", text).split())
    # The scripts do not handle punctuation outside ASCII; it is removed like that of ASCII.
    return " ".join("".join(" " if unicodedata.category(sign)[0] == "P" else sign for sign in text).split())


@lru_cache(maxsize=4096)
def kept_of(reference: str, how: Normalisation) -> Kept | None:
    """What must be kept so that something of a reference is left; None for a blank one."""
    return next((kept for kept in KEPT if normalised(reference, how, kept)), None)


def equal(said: str, reference: str, how: Normalisation) -> bool:
    """Whether an answer equals a reference after normalisation. A blank answer or reference equals nothing."""
    kept = kept_of(reference, how)
    if kept is None or not said.strip():
        return False
    wanted = normalised(reference, how, kept)
    if normalised(said, how, kept) == wanted:
        return how == "zh" or marks(said) == marks(reference)
    if how != "zh" and _lone_number(said) and _lone_number(reference):
        return marks(said) == marks(reference)  # 1,000 and 1000
    # "+." for "+"
    return kept == "signs" and normalised(said.strip(_AROUND), how, kept) == wanted


def marks(text: str) -> tuple[str, ...]:
    """The parts of a text, in order, that must agree in equal answers: numbers with their sign and point, signs that end a
    name ("C++", "AB-"), comparisons, and an A at the end, where it is not an article ("vitamin A")."""
    text = unicodedata.normalize("NFKC", text).strip(_AROUND + "*").replace("−", "-")
    text = _THOUSANDS.sub("", text)
    return tuple(_NO_MARK.sub("", found).upper() for found in _MARK.findall(text))


def _lone_number(text: str) -> bool:
    return re.fullmatch(r"[-+−]?[$€£]?\d[\d.,]*", text.strip(_AROUND)) is not None


def holds(said: str, reference: str, how: Normalisation) -> bool:
    """Whether an answer contains a reference as whole words (`zh`: anywhere, but no number in a longer one and no Latin
    word in another)."""
    kept = kept_of(reference, how)
    if kept is None:
        return False
    wanted = normalised(reference, how, kept)
    if kept == "articles" and how != "zh":
        return stands(said, reference)
    if kept == "signs":
        return f" {wanted} " in f" {' '.join(map(_bare, normalised(said, how, kept).split()))} "
    if how != "zh":
        # The scripts take numbers apart, but 5 does not occur in 3.5, nor in -5.
        found = _numbers_kept(reference, how, kept) in _numbers_kept(said, how, kept)
        return found and not Counter(marks(reference)) - Counter((*marks(said), "A"))
    folded = normalised(said, how, kept)
    first, last = wanted[0], wanted[-1]
    before = "(?<![0-9.])" if first in "0123456789" else "(?<![a-z])" if first.isascii() else ""
    after = "(?![0-9.])" if last in "0123456789" else "(?![a-z])" if last.isascii() else ""
    # Without spaces a Latin word is lost among others, so it is searched for in the unchanged text.
    return re.search(before + re.escape(wanted) + after, folded) is not None or stands(said, reference)


def _numbers_kept(text: str, how: Normalisation, kept: Kept) -> str:
    """The normalised text, between spaces, with points inside numbers, and a minus before one, kept."""
    text = _THOUSANDS.sub("", text.replace("−", "-"))
    text = re.sub(r"(?<=\d)[-–](?=\d)", " ", text)
    text = re.sub(r"(?<=\d)[.,](?=\d)", "\u241f", text)
    text = re.sub(r"(?:(?<=^)|(?<=[\s($=:]))-(?=\d)", "\u241e", text)
    return f" {normalised(text, how, kept)} "


def stands(said: str, reference: str, *, ignore_case: bool = True) -> bool:
    """Whether an answer contains a reference unchanged, and not inside a longer word or number. An article counts only
    as the name of an answer: in its own letter case ("type A"), and not before the first word of a sentence."""
    said, reference = unicodedata.normalize("NFC", said), unicodedata.normalize("NFC", reference)
    article = kept_of(reference, "squad") == "articles"
    if article:
        reference = " ".join(re.findall(r"\w+", reference))
    elif ignore_case:
        said, reference = said.casefold(), reference.casefold()
    reference = reference.strip()
    if not reference:
        return False
    if article and ignore_case and equal(said, reference, "squad"):
        return True
    places = re.finditer(_before(reference[0]) + re.escape(reference) + _after(reference[-1]), said)
    if not article:
        return next(places, None) is not None
    return any(
        not (_begins(said[: place.start()]) and re.match(r"\s+[^\W\d_]", said[place.end() :]))
        for place in places
    )


def _before(first: str) -> str:
    """Pattern of what must not come before a text with this first character."""
    if first.isdigit():
        return rf"(?<![^\W{_UNSPACED}])(?<!\d[.,])(?<!^[-−])(?<![\s($=:][-−])"
    return _no_word(first, "(?<!")


def _after(last: str) -> str:
    """Pattern of what must not come after a text with this last character."""
    if last.isdigit():
        return rf"(?![^\W{_UNSPACED}])(?![.,]\d)"
    # C does not occur in "C++", nor in "C#".
    return _no_word(last, "(?!") + (r"(?![+#]+(?:[^\w+#]|$))" if re.match(r"[^\W\d_]", last) else "")


def _no_word(sign: str, look: str) -> str:
    if not re.match(r"\w", sign) or re.match(f"[{_UNSPACED}]", sign):
        return ""
    return rf"{look}[^\W{_UNSPACED}])"


def _begins(before: str) -> bool:
    """Whether a sentence begins after this."""
    return re.search(r"(^|[.!?。！？\n])[\s\"'“‘(]*$", before) is not None


def _bare(word: str) -> str:
    """A word without the punctuation around it, if anything else is left."""
    return word.strip(_AROUND) or word
