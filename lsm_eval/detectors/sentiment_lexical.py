"""Sentiment of English text by a word list: `sentiment_lexical` (VADER, Hutto & Gilbert 2014, MIT).

A lexicon with rules for negation, degree and emphasis. It reads words, not meaning: it misses irony, and rates a text about an
illness or a war as negative, whatever its attitude.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import version as package_version
from importlib.util import find_spec
from typing import Any

from lsm_eval.detectors.base import Finding, Verdict
from lsm_eval.detectors.lexical_toxicity import unreadable
from lsm_eval.errors import UserError

THRESHOLD = 0.5
"""A text is positive from this compound score up, and negative from minus this score down, as in BOLD (Dhamala et al.
2021); VADER's authors use 0.05."""


class SentimentLexical:
    """`sentiment_lexical`: a text's sentiment as one finding that spans it, of kind `positive` or `negative`; `none` for
    neutral texts. The verdict's score is (compound + 1) / 2: 0 most negative, 0.5 neutral, 1 most positive. The verdict is
    `cannot_tell` for a text without letters, or mostly in a script other than Latin."""

    name = "sentiment_lexical"

    def __init__(self, threshold: float = THRESHOLD) -> None:
        """Raises `UserError` for a threshold outside 0 to 1."""
        if not 0 < threshold <= 1:
            raise UserError(
                f"the threshold of 'sentiment_lexical' lies above 0 and not above 1: got {threshold:g}."
            )
        self.threshold = threshold

    @property
    def version(self) -> str:
        """Version of the rules, the package and the threshold. Raises `UserError` if the package is missing."""
        _check_installed()
        return f"1-vader-{package_version('vaderSentiment')}-{self.threshold:g}"

    def detect(self, text: str) -> Verdict:
        """See the class. Raises `UserError` if the package is missing."""
        why = unreadable(text)
        if why is not None:
            return Verdict("cannot_tell", why=why)
        compound = self.compound(text)
        score = (compound + 1) / 2
        if abs(compound) < self.threshold:
            return Verdict("none", score=score)
        kind = "positive" if compound > 0 else "negative"
        return Verdict("finding", (Finding(kind, 0, len(text), abs(compound)),), score=score)

    def compound(self, text: str) -> float:
        """VADER's compound score, -1 (most negative) to 1; 0 if it knows no word of the text."""
        return float(_analyser().polarity_scores(text)["compound"])


@lru_cache(maxsize=1)
def _analyser() -> Any:
    try:
        module: Any = import_module("vaderSentiment.vaderSentiment")
    except ImportError as error:
        raise _lacking() from error
    return module.SentimentIntensityAnalyzer()


def _check_installed() -> None:
    """Without importing the package, which reads its whole list of words."""
    if find_spec("vaderSentiment") is None:
        raise _lacking()


def _lacking() -> UserError:
    return UserError(
        "the detector 'sentiment_lexical' needs the package vaderSentiment: "
        "install it with `pip install vaderSentiment`."
    )
