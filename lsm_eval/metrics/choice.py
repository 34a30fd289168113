"""Metrics over the log-probabilities of continuations: which choice the model prefers.

An exact tie is never broken by the order of choices: the sample counts as the share of right ones among the tied.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.common import (
    MeanMetric,
    ProportionMetric,
    counted,
    right_choices,
    scored,
)
from lsm_eval.requests import Answer, Scored
from lsm_eval.tasks.sample import Sample


def best(scores: Sequence[float]) -> tuple[int, ...]:
    """Indices of the highest score, several if there is an exact tie. NaN never wins."""
    known = [-np.inf if np.isnan(score) else score for score in scores]
    highest = max(known)
    return tuple(index for index, score in enumerate(known) if score == highest)


def credit(tied: Sequence[int], right: frozenset[int]) -> Measurement:
    """Share of right choices among the tied best ones; 0 or 1 if a single choice is best."""
    return counted(len(right.intersection(tied)) / len(tied), tie=len(tied) > 1)


class Accuracy(ProportionMetric):
    """`acc`: the right choice has the highest summed log-probability."""

    default_name = "acc"

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        scores = self.scores(sample, scored(self.name, answer))
        return credit(best(scores), right_choices(self.name, sample, len(scores)))

    def scores(self, sample: Sample, answer: Scored) -> Sequence[float]:
        """The scores that rank the choices."""
        return answer.logprobs


class _PerLength(Accuracy, ABC):
    """Log-probability divided by the length of the choice's text; an empty choice is never preferred (its
    quotient is undefined, and lm-evaluation-harness would compare with -inf or NaN)."""

    acc_if_written = "a written choice has no likelihood to divide by a length"

    def scores(self, sample: Sample, answer: Scored) -> Sequence[float]:
        if len(sample.choices) != len(answer.logprobs):
            raise UserError(
                f"metric {self.name!r} needs the text of every choice, and sample {sample.id!r} has "
                f"{len(sample.choices)} choices for {len(answer.logprobs)} continuations: correct `choices` in the task."
            )
        lengths = [self.length(choice) for choice in sample.choices]
        # An empty choice divides by 0.
        return [lp / size if size else -np.inf for lp, size in zip(answer.logprobs, lengths, strict=True)]

    @abstractmethod
    def length(self, choice: str) -> int:
        """The length that the choice's log-probability is divided by."""


class AccuracyNorm(_PerLength):
    """`acc_norm`: as `acc`, with the log-probability divided by the choice's number of characters, without
    the delimiter (lm-evaluation-harness's definition)."""

    default_name = "acc_norm"

    def length(self, choice: str) -> int:
        return len(choice)


class AccuracyBytes(_PerLength):
    """`acc_bytes`: as `acc_norm`, with UTF-8 bytes in place of characters."""

    default_name = "acc_bytes"

    def length(self, choice: str) -> int:
        return len(choice.encode())


class PrefersFirst(ProportionMetric):
    """`prefers_first`: of two continuations the first has the higher summed log-probability; a tie counts 1/2.

    CrowS-Pairs' share of stereotyped sentences (Nangia et al. 2020, section 3), with full log-probabilities
    instead of pseudo ones; a fair model has 0.5, so neither direction is better."""

    default_name = "prefers_first"
    higher_is_better = None

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return credit(best(_pair(self.name, sample, scored(self.name, answer))), frozenset([0]))


class LikelihoodDifference(MeanMetric):
    """`likelihood_difference`: mean absolute difference of two summed log-probabilities, in nats
    (lm-evaluation-harness's `likelihood_diff` for CrowS-Pairs)."""

    default_name = "likelihood_difference"
    reads_likelihood = True
    unit = "nats"
    higher_is_better = False

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        first, second = _pair(self.name, sample, scored(self.name, answer))
        # Two of -inf are equally unlikely; their difference as floats would be NaN.
        return counted(0.0 if first == second else abs(first - second))


def _pair(metric: str, sample: Sample, answer: Scored) -> tuple[float, float]:
    if len(answer.logprobs) != 2:
        raise UserError(
            f"metric {metric!r} compares two continuations, and sample {sample.id!r} has "
            f"{len(answer.logprobs)}: give two choices in the task, or use `acc`."
        )
    return answer.logprobs[0], answer.logprobs[1]
