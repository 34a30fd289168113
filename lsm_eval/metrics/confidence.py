"""A model's confidence in the choice that it makes, on any task with one right choice.

The probability of a choice is the softmax of the choices' log-probabilities (option `normalise`: summed, or per
character, byte or token); the confidence is the probability of the best choice. If several are exactly tied for the
best, the sample counts as the share of right ones among them, as in `acc`. The order of choices and of samples has no
effect: samples of equal confidence share their errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.choice import best
from lsm_eval.metrics.common import Described, right_choices, scored, token_counts
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

Normalise = Literal["none", "characters", "bytes", "tokens"]


@dataclass(frozen=True, slots=True)
class Confidence:
    """The model's confidence on one sample, and whether it was right."""

    confidence: float
    """Probability of the best choice, 1/k to 1."""
    odds: float
    """Its log-odds, which rank as the confidence does but do not round to 1."""
    right: float
    """1 or 0; the share of right ones if choices are tied for the best."""
    tie: bool


def softmax(scores: Sequence[float]) -> FloatArray:
    """Probabilities [k] from k log-probabilities. NaN counts as impossible; if all are impossible, they are equal."""
    values = np.array([-np.inf if math.isnan(score) else score for score in scores], float)
    highest = values.max()
    weights = np.exp(values - highest) if np.isfinite(highest) else np.ones(len(values))
    shares: FloatArray = weights / weights.sum()
    return shares


class OfChoices(Described):
    """A metric over the probabilities of choices, of which exactly one is right."""

    reads_likelihood = True

    def __init__(self, name: str | None = None, normalise: Normalise = "none") -> None:
        super().__init__(name)
        self.normalise = normalise

    def options(self) -> dict[str, str]:
        return {"norm": self.normalise}

    def scores(self, sample: Sample, answer: Answer) -> tuple[float, ...]:
        """The choices' log-probabilities, divided by their lengths if `normalise` says so."""
        given = scored(self.name, answer)
        if self.normalise == "none":
            return given.logprobs
        if self.normalise == "tokens":
            lengths: Sequence[int] = token_counts(self.name, given)
        else:
            if len(sample.choices) != len(given.logprobs):
                raise UserError(
                    f"metric {self.name!r} needs the text of every choice, and sample {sample.id!r} has "
                    f"{len(sample.choices)} choices for {len(given.logprobs)} continuations: correct `choices`."
                )
            lengths = [
                len(choice) if self.normalise == "characters" else len(choice.encode())
                for choice in sample.choices
            ]
        return tuple(lp / n if n else -math.inf for lp, n in zip(given.logprobs, lengths, strict=True))

    def right(self, sample: Sample, number: int) -> int:
        """The one right choice. Raises `UserError` if there are several: their probabilities would compete."""
        right = right_choices(self.name, sample, number)
        if len(right) > 1:
            raise UserError(
                f"metric {self.name!r} is for one right choice, and sample {sample.id!r} has {len(right)}: "
                "leave the metric out of this task."
            )
        return min(right)

    def confidence(self, sample: Sample, answer: Answer) -> Confidence:
        """The confidence on this sample."""
        scores = self.scores(sample, answer)
        return _confidence(scores, self.right(sample, len(scores)))


@lru_cache(maxsize=2**16)
def _confidence(scores: tuple[float, ...], right: int) -> Confidence:
    """Cached, because every metric asks again. Exact ties are between log-probabilities, not between
    rounded probabilities."""
    tied = best(scores)
    share = (right in tied) / len(tied)
    return Confidence(float(softmax(scores).max()), _log_odds(scores), share, len(tied) > 1)


def _log_odds(scores: Sequence[float]) -> float:
    """log p - log(1 - p) for the best choice's probability p; infinite if nothing else is possible."""
    values = sorted((-math.inf if math.isnan(score) else score for score in scores), reverse=True)
    highest, rest = values[0], np.array(values[1:])
    if highest == -math.inf:
        highest, rest = 0.0, np.zeros(len(rest))
    if not len(rest) or rest[0] == -math.inf:
        return math.inf
    # The largest is factored out, so that the rest neither overflows nor underflows.
    return float(highest - rest[0] - np.log(np.exp(rest - rest[0]).sum()))
