"""SelfCheck n-gram: whether the same model would write the words of an answer again.

The first answer of a sample is greedy and is assessed; the others are drawn (`draws` in the task). An n-gram model is
counted over the draws and the answer itself, which adds one count to each of its words. A sentence's scores are the
mean and the largest negative log-probability (nats) of its words under that model, and an answer's are the means of
its sentences' (Manakul et al. 2023, arXiv 2303.08896, section 5.3). Higher is more suspect.

The numbers grow with the length of the texts, since a longer text spreads its probability over more words: compare
only answers to the same kind of question, and check the score with `wrong_auroc`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import MeanMetric, counted, generated
from lsm_eval.metrics.summarisation import split_sentences
from lsm_eval.metrics.text import characters
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True, slots=True)
class SentenceScore:
    """Scores of one sentence of the answer under the draws."""

    average: float
    """Mean negative log-probability of its words, nats."""
    maximum: float
    """Negative log-probability of its least likely word, nats."""


def selfcheck_ngram(answer: str, draws: Sequence[str], n: int = 1) -> list[SentenceScore]:
    """Scores of the answer's sentences, in order; a sentence without words has none.

    Words are lower-case runs of ASCII letters and digits, and every other letter or digit alone. For n above 1 a word
    is conditioned on the n - 1 before it in its sentence, with padding before the first. Raises ValueError for n below
    1."""
    if n < 1:
        raise ValueError(f"an n-gram has at least one word, not {n}")
    own = _sentences(answer, n)
    grams: Counter[tuple[str, ...]] = Counter()
    for sentences in (own, *(_sentences(draw, n) for draw in draws)):
        for sentence in sentences:
            grams.update(sentence)
    contexts: Counter[tuple[str, ...]] = Counter()
    for gram, count in grams.items():
        contexts[gram[:-1]] += count
    scores = []
    for sentence in own:
        surprise = [math.log(contexts[gram[:-1]] / grams[gram]) for gram in sentence]
        scores.append(SentenceScore(sum(surprise) / len(surprise), max(surprise)))
    return scores


def greedy_and_draws(metric: str, sample: Sample, answers: Sequence[Answer]) -> tuple[str, tuple[str, ...]]:
    """The texts of the greedy answer and of the drawn ones. Raises `UserError` if the task draws none."""
    texts = [generated(metric, answer).text for answer in answers]
    if len(texts) < 2:
        raise UserError(
            f"metric {metric!r} compares an answer with others drawn for the same question, and sample {sample.id!r} "
            "has one: set `draws` in the task."
        )
    return texts[0], tuple(texts[1:])


class DrawnMetric(MeanMetric, ABC):
    """A mean over samples, whose values are computed from a greedy answer and its draws."""

    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement | None:
        value = self.value(*greedy_and_draws(self.name, sample, answers))
        return None if value is None else counted(value)

    @abstractmethod
    def value(self, greedy: str, draws: tuple[str, ...]) -> float | None:
        """The sample's value; None if it has none."""


class _SelfCheck(DrawnMetric):
    unit = "nats"

    def __init__(self, *, n: int = 1, name: str | None = None) -> None:
        super().__init__(name)
        if n < 1:
            raise UserError(f"metric {self.name!r}: `n` is a number of words, at least 1: got {n}.")
        self.n = n

    def options(self) -> dict[str, str]:
        return {"n": str(self.n)}


class SelfCheckAverage(_SelfCheck):
    """`selfcheck_avg`: mean over the answer's sentences of their words' mean negative log-probability."""

    default_name = "selfcheck_avg"

    def value(self, greedy: str, draws: tuple[str, ...]) -> float | None:
        scores = selfcheck_ngram(greedy, draws, self.n)
        return sum(score.average for score in scores) / len(scores) if scores else None


class SelfCheckMaximum(_SelfCheck):
    """`selfcheck_max`: mean over the answer's sentences of the negative log-probability of their least likely word."""

    default_name = "selfcheck_max"

    def value(self, greedy: str, draws: tuple[str, ...]) -> float | None:
        scores = selfcheck_ngram(greedy, draws, self.n)
        return sum(score.maximum for score in scores) / len(scores) if scores else None


def _sentences(text: str, n: int) -> list[list[tuple[str, ...]]]:
    """The n-grams that end at each word, sentence by sentence."""
    made = []
    for sentence in split_sentences(text):
        words = [*[""] * (n - 1), *characters(sentence)]
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        if grams:
            made.append(grams)
    return made
