"""ROUGE from Google's rouge-score: F1 in points (0 to 100), the best over the references.

The stemmer is on by default, as in the papers and tools that report summarisation (ROUGE-1.5.5 with -m).
rouge-score drops all but ASCII letters and digits, so that a Chinese text would score 0; `tokenize: char` makes
every other letter or digit a token.

ROUGE-Lsum needs sentences. rouge-score would split them with a model of NLTK that has to be downloaded; here
sentences end at a line break, at `.`, `!` or `?` before white space, and after `。`, `！`, `？` or `；`
(`sentences: lines`: at line breaks only).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import MeanMetric, counted, generated, references
from lsm_eval.metrics.text import characters
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

Kind = Literal["rouge1", "rouge2", "rougeL", "rougeLsum"]
Tokenize = Literal["default", "char"]
Sentences = Literal["punctuation", "lines"]

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")


class Rouge(MeanMetric):
    """`rouge1`, `rouge2`, `rougeL`, `rougeLsum` (Lin 2004)."""

    unit = "points"

    def __init__(
        self,
        kind: Kind,
        name: str | None,
        tokenize: Tokenize,
        use_stemmer: bool | None,
        sentences: Sentences | None = None,
    ) -> None:
        if tokenize == "char" and use_stemmer:
            raise UserError(
                f"metric {name or kind!r}: `tokenize: char` knows no stems: leave `use_stemmer` out."
            )
        super().__init__(name or kind)
        self.kind = kind
        self.tokenize = tokenize
        self.stemmer = tokenize == "default" if use_stemmer is None else use_stemmer
        self.sentences = sentences

    @property
    def signature(self) -> str:
        """rouge-score's version and every option."""
        from importlib.metadata import version

        parts = [self.kind, "f1", f"tok:{self.tokenize}", f"stemmer:{'yes' if self.stemmer else 'no'}"]
        parts += [f"sentences:{self.sentences}"] if self.sentences else []
        return "|".join([*parts, f"version:rouge-score-{version('rouge-score')}"])

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        completion = self._prepared(generated(self.name, answer).text)
        refs = [self._prepared(reference) for reference in references(self.name, sample)]
        best = _scorer(self.kind, self.tokenize, self.stemmer).score_multi(refs, completion)
        return counted(100 * best[self.kind].fmeasure)

    def _prepared(self, text: str) -> str:
        return "\n".join(split_sentences(text)) if self.sentences == "punctuation" else text


def rouge1(
    *, name: str | None = None, tokenize: Tokenize = "default", use_stemmer: bool | None = None
) -> Rouge:
    """`rouge1`: single words."""
    return Rouge("rouge1", name, tokenize, use_stemmer)


def rouge2(
    *, name: str | None = None, tokenize: Tokenize = "default", use_stemmer: bool | None = None
) -> Rouge:
    """`rouge2`: pairs of words."""
    return Rouge("rouge2", name, tokenize, use_stemmer)


def rouge_l(
    *, name: str | None = None, tokenize: Tokenize = "default", use_stemmer: bool | None = None
) -> Rouge:
    """`rougeL`: longest common subsequence of the whole texts, line breaks ignored."""
    return Rouge("rougeL", name, tokenize, use_stemmer)


def rouge_lsum(
    *,
    name: str | None = None,
    tokenize: Tokenize = "default",
    use_stemmer: bool | None = None,
    sentences: Sentences = "punctuation",
) -> Rouge:
    """`rougeLsum`: union of the longest common subsequences, sentence by sentence."""
    return Rouge("rougeLsum", name, tokenize, use_stemmer, sentences)


def split_sentences(text: str) -> list[str]:
    """Splits a text into sentences at line breaks and punctuation (see the module's description)."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


class _Tokenizer:
    """A tokenizer with rouge-score's interface. It caches texts, because each of a task's four metrics reads
    every text, and stemming takes most of the time."""

    def __init__(self, tokenize: Tokenize, stemmer: bool) -> None:
        from rouge_score.tokenizers import DefaultTokenizer

        words = DefaultTokenizer(use_stemmer=stemmer)

        @lru_cache(maxsize=1024)
        def tokens(text: str) -> tuple[str, ...]:
            return tuple(characters(text) if tokenize == "char" else words.tokenize(text))

        self.tokenize = tokens


@lru_cache(maxsize=8)
def _tokenizer(tokenize: Tokenize, stemmer: bool) -> _Tokenizer:
    return _Tokenizer(tokenize, stemmer)


@lru_cache(maxsize=32)
def _scorer(kind: Kind, tokenize: Tokenize, stemmer: bool) -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], tokenizer=_tokenizer(tokenize, stemmer))
