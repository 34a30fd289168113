"""Whether an answer cites the given passages, and whether they support it.

The passages are `metadata.passages`, a list of texts that the prompt shows as [1], [2], … A citation is a number in
square brackets; [1][2], [1, 2] and [1-3] name several. It belongs to the sentence that contains it, or whose full stop
comes right before it.

Recall and precision of citations follow ALCE (Gao et al., EMNLP 2023, "citation quality"), with shared words instead of
its entailment model. A sentence is supported if the passages it cites together have at least `threshold` of its word
k-grams. A citation is precise if its sentence is supported and the passage is needed: it supports the sentence alone, or
the others do not without it. Shared words are not proof: a sentence that reverses a passage's meaning with its own words
passes. Sentences of fewer than `least` words are not counted.
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
"""A longer range such as [1-2000] is a span of years or nonsense, not a citation."""

_BETWEEN = " x0endofpassage0x "
"""A word that occurs in no text, so that no k-gram spans two passages."""
_NUMBERS = r"\d{1,4}(?:\s*[-–,;]\s*\d{1,4})*"
_MARKER = re.compile(rf"\s*[\[［【]\s*({_NUMBERS})\s*[\]］】]")
_BEHIND = re.compile(rf"([.!?。！？]+)((?:\s*[\[［【]\s*{_NUMBERS}\s*[\]］】])+)")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence without its citations."""

    text: str
    numbers: tuple[int, ...]
    """Numbers of the passages it cites, from 1, each once and in the order of the text."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence checked against the passages."""

    valid: tuple[int, ...]
    """Cited passages that exist."""
    invalid: int
    """Number of cited passages that do not."""
    supported: bool
    precise: int
    """How many of the valid ones are precise."""


@lru_cache(maxsize=4096)
def cited_sentences(completion: str, least: int = 1) -> tuple[Cited, ...]:
    """The sentences of an answer with at least `least` words, and their citations."""
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
    """Checks which cited passages exist, and whether they support the sentence."""
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
    """Shared code of the metrics of citations: their options, and the sentences of an answer."""

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
        """The answer's sentences, each checked against the sample's passages."""
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
        """Number of parts that count, and number of all parts."""


class CitationRecall(_Share):
    """`citation_recall`: share of the sentences that are supported by the passages they cite."""

    default_name = "citation_recall"

    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        return sum(s.supported for s in sentences), len(sentences)


class CitationPrecision(_Share):
    """`citation_precision`: share of the citations that are precise; one of a missing passage is not."""

    default_name = "citation_precision"

    def count(self, sentences: list[Checked]) -> tuple[int, int]:
        return sum(s.precise for s in sentences), sum(len(s.valid) + s.invalid for s in sentences)


class CitationInvalid(_Share):
    """`citation_invalid`: share of the citations of passages that were not given."""

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
    """`citation_right`: share of the answers that cite the question's own passage (`metadata.gold`, its number from 1)
    and no other one; it compares no words."""

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
    """The passages that the sample's answer may cite. Raises `UserError` if they are not a list of texts."""
    given = metadata(metric, sample, "passages")
    if not isinstance(given, (list, tuple)) or not given or not all(isinstance(text, str) for text in given):
        raise UserError(
            f"metric {metric!r}: `metadata.passages` of sample {sample.id!r} is no list of texts: correct it in the task."
        )
    return tuple(given)


def _expanded(numbers: str) -> list[int]:
    """The numbers in one marker, with ranges expanded."""
    found: list[int] = []
    for part in re.split(r"\s*[,;]\s*", numbers):
        ends = [int(end) for end in re.split(r"\s*[-–]\s*", part)]
        whole = range(ends[0], ends[-1] + 1)
        found += whole if len(ends) == 2 and 0 < len(whole) <= MOST_IN_A_RANGE else ends
    return found
