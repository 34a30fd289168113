"""Does an answer cite the passages it was given, and do they bear it out?

The passages are `metadata.passages`, a list of texts that the prompt shows as [1], [2], … A citation is a number in
square brackets; [1][2], [1, 2] and [1-3] name several. It belongs to the sentence it stands in, or right behind whose
full stop it stands.

Recall and precision of citations follow ALCE (Gao et al., EMNLP 2023, "citation quality"), with shared words in the
place of its entailment model: a sentence is supported where the passages it cites, taken together, have at least
`threshold` of its word k-grams; a citation is precise where its sentence is supported and the passage is not idle, that
is, it supports the sentence alone, or the others do not without it. Shared words are not support: a sentence that turns
a passage's words round passes. Sentences of fewer than `least` words claim nothing and are not counted.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

from lsm_eval.detectors.groundedness import Groundedness, kgram_precision, tokens
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import ProportionMetric, counted, generated, metadata
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.metrics.grounded import PartsShare, share_of_parts
from lsm_eval.metrics.summarisation import split_sentences
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

METRICS: MetricRows = {
    "citation_recall": ("CitationRecall", "sentences borne out by what they cite", "fraction", True, "generate"),
    "citation_precision": ("CitationPrecision", "citations that bear out", "fraction", True, "generate"),
    "citation_invalid": ("CitationInvalid", "citations of passages not given", "fraction", False, "generate"),
    "citation_missing": ("CitationMissing", "sentences that cite nothing", "fraction", False, "generate"),
    "citation_right": ("CitationRight", "cites the right passage and no other", "fraction", True, "generate"),
}  # fmt: skip

MOST_IN_A_RANGE = 50
"""A range such as [1-2000] is a year span or nonsense, and no citation of two thousand passages."""

_BETWEEN = " x0endofpassage0x "
"""A word that no text has, so that no k-gram runs from one passage into the next."""
_NUMBERS = r"\d{1,4}(?:\s*[-–,;]\s*\d{1,4})*"
_MARKER = re.compile(rf"\s*[\[［【]\s*({_NUMBERS})\s*[\]］】]")
_BEHIND = re.compile(rf"([.!?。！？]+)((?:\s*[\[［【]\s*{_NUMBERS}\s*[\]］】])+)")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence without its citations."""

    text: str
    numbers: tuple[int, ...]
    """The passages it cites, from 1, each once and in the order of the text."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence held against the passages."""

    valid: tuple[int, ...]
    """Cited passages that exist."""
    invalid: int
    """Number of cited passages that do not."""
    supported: bool
    precise: int
    """How many of the valid ones are precise."""


@lru_cache(maxsize=4096)
def cited_sentences(completion: str, least: int = 1) -> tuple[Cited, ...]:
    """The sentences of an answer that have at least `least` words, with what they cite."""
    moved = _BEHIND.sub(lambda match: f"{match[2]}{match[1]} ", completion)
    made = []
    for sentence in split_sentences(moved):
        numbers = [n for marker in _MARKER.finditer(sentence) for n in _expanded(marker[1])]
        text = _MARKER.sub("", sentence).strip()
        if len(tokens(text)) >= least:
            made.append(Cited(text, tuple(dict.fromkeys(numbers))))
    return tuple(made)


@lru_cache(maxsize=4096)
def check(sentence: Cited, passages: tuple[str, ...], k: int, threshold: float) -> Checked:
    """Which citations of a sentence exist, and whether they bear it out."""
    valid = tuple(n for n in sentence.numbers if 1 <= n <= len(passages))

    def bears_out(numbers: tuple[int, ...]) -> bool:
        together = _BETWEEN.join(passages[n - 1] for n in numbers)
        precision = kgram_precision(sentence.text, together, k) if numbers else None
        return precision is not None and precision >= threshold

    supported = bears_out(valid)
    precise = 0
    if supported:
        for number in valid:
            others = tuple(n for n in valid if n != number)
            precise += bears_out((number,)) or not bears_out(others)
    return Checked(valid, len(sentence.numbers) - len(valid), supported, precise)


class _Citations(ABC):
    """What the metrics of citations share: their options, and the sentences of an answer."""

    name: str

    def _set(self, k: int, threshold: float, least: int) -> None:
        if k < 1 or least < k or not 0 < threshold <= 1:
            raise UserError(
                f"metric {self.name!r}: `k` must be at least 1, `least` at least `k`, and `threshold` above 0 and not above "
                f"1: got k {k}, least {least} and threshold {threshold}."
            )
        self.k, self.threshold, self.least = k, threshold, least

    def options(self) -> dict[str, str]:
        return {
            "k": str(self.k),
            "threshold": f"{self.threshold:g}",
            "least": str(self.least),
            "version": Groundedness.version,
        }

    def checked(self, sample: Sample, answer: Answer) -> list[Checked]:
        """The answer's sentences, each held against the sample's passages."""
        sentences = cited_sentences(generated(self.name, answer).text, self.least)
        passages = given_passages(self.name, sample)
        return [check(sentence, passages, self.k, self.threshold) for sentence in sentences]


class _Share(_Citations, PartsShare):
    def __init__(
        self, *, k: int = 1, threshold: float = 0.6, least: int = 3, name: str | None = None
    ) -> None:
        super().__init__(name)
        self._set(k, threshold, least)

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return share_of_parts(*self.count(self.checked(sample, answer)))

    @abstractmethod
    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        """Parts that count, and parts."""


class CitationRecall(_Share):
    """`citation_recall`: share of the sentences that the passages they cite bear out."""

    default_name = "citation_recall"

    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        return sum(s.supported for s in sentences), len(sentences)


class CitationPrecision(_Share):
    """`citation_precision`: share of the citations that are precise; one of a passage that does not exist is not."""

    default_name = "citation_precision"

    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        return sum(s.precise for s in sentences), sum(len(s.valid) + s.invalid for s in sentences)


class CitationInvalid(_Share):
    """`citation_invalid`: share of the citations that name a passage that was not given."""

    default_name = "citation_invalid"
    higher_is_better = False

    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        return sum(s.invalid for s in sentences), sum(len(s.valid) + s.invalid for s in sentences)


class CitationMissing(_Share):
    """`citation_missing`: share of the sentences that cite nothing."""

    default_name = "citation_missing"
    higher_is_better = False

    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        return sum(not s.valid and not s.invalid for s in sentences), len(sentences)


class CitationRight(ProportionMetric):
    """`citation_right`: share of the answers that cite the passage the question was asked about (`metadata.gold`, its
    number from 1) and no other one; here no words are compared."""

    default_name = "citation_right"
    grades = True

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        sentences = cited_sentences(generated(self.name, answer).text, 0)
        gold = metadata(self.name, sample, "gold")
        passages = given_passages(self.name, sample)
        if not isinstance(gold, int) or not 1 <= gold <= len(passages):
            raise UserError(
                f"metric {self.name!r}: `metadata.gold` of sample {sample.id!r} is not the number of one of its "
                f"{len(passages)} passages (the first is 1): correct it in the task."
            )
        found = {n for sentence in sentences for n in sentence.numbers}
        return counted(found == {gold})


def given_passages(metric: str, sample: Sample) -> tuple[str, ...]:
    """The passages that the sample's answer may cite; UserError where they are not a list of texts."""
    given = metadata(metric, sample, "passages")
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(text, str) for text in given):
        raise UserError(
            f"metric {metric!r}: `metadata.passages` of sample {sample.id!r} is no list of texts: correct it in the task."
        )
    return tuple(given)


def _expanded(numbers: str) -> list[int]:
    """The numbers of one marker, ranges written out."""
    found: list[int] = []
    for part in re.split(r"\s*[,;]\s*", numbers):
        ends = [int(end) for end in re.split(r"\s*[-–]\s*", part)]
        whole = range(ends[0], ends[-1] + 1)
        found += whole if len(ends) == 2 and 0 < len(whole) <= MOST_IN_A_RANGE else ends
    return found
