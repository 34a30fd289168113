"""Closed-book questions: right, wrong, or not answered; accuracy does not separate the last two.

Each completion has one outcome. `correct`: it equals one of the references (the sample's `target`, all aliases) after
normalisation. Otherwise `abstained`: it is empty, or the detector `abstention` finds that it says it does not know.
Otherwise `unclear`: the detector cannot tell. Otherwise `wrong`. The four are shares of all samples and add up to 1.

Normalisations are those of `lsm_eval.reading.normalise`: `triviaqa`, `squad` (used for NQ-open) and `zh`. A reference
that one would empty ("A", "The The") is compared with its articles or signs kept.

Exact match counts a right answer in a whole sentence as wrong. `match: contains` accepts a completion that contains a
normalised reference as whole words (`zh`: anywhere); it also accepts one that lists several guesses.
"""

from __future__ import annotations

from typing import Literal

from lsm_eval.detectors.abstention import Abstention
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement, Unit
from lsm_eval.metrics.common import MeanMetric, ProportionMetric, counted, generated, references
from lsm_eval.reading.normalise import Normalisation, equal, holds
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

Match = Literal["exact", "contains"]
Outcome = Literal["correct", "abstained", "unclear", "wrong"]

_DETECTOR = Abstention()


def outcome(
    completion: str, aliases: tuple[str, ...], how: Normalisation = "triviaqa", match: Match = "exact"
) -> Outcome:
    """The outcome of one completion."""
    matches = equal if match == "exact" else holds
    if any(matches(completion, alias, how) for alias in aliases):
        return "correct"
    verdict = _DETECTOR.detect(completion)
    if verdict.state == "finding" or verdict.why == "empty":
        return "abstained"
    return "unclear" if verdict.state == "cannot_tell" else "wrong"


class _Outcome(MeanMetric):
    """A metric over outcomes."""

    def __init__(
        self, *, name: str | None = None, normalise: Normalisation = "triviaqa", match: Match = "exact"
    ) -> None:
        super().__init__(name)
        self.normalise: Normalisation = normalise
        self.match: Match = match

    def options(self) -> dict[str, str]:
        return {
            "norm": self.normalise,
            "match": self.match,
            "detector": f"{_DETECTOR.name}@{_DETECTOR.version}",
        }

    def measure(self, sample: Sample, answer: Answer) -> Measurement | None:
        completion = generated(self.name, answer).text
        return self.count(outcome(completion, references(self.name, sample), self.normalise, self.match))

    def count(self, found: Outcome) -> Measurement | None:
        """The measurement of one outcome."""
        raise NotImplementedError


class Correct(_Outcome, ProportionMetric):
    """`qa_correct`: share of all questions answered right."""

    default_name = "qa_correct"
    grades = True

    def count(self, found: Outcome) -> Measurement:
        return counted(found == "correct")


class Abstained(_Outcome, ProportionMetric):
    """`qa_abstained`: share of all questions not answered; to be judged together with the share of wrong ones."""

    default_name = "qa_abstained"
    higher_is_better = None

    def count(self, found: Outcome) -> Measurement:
        return counted(found == "abstained")


class Wrong(_Outcome, ProportionMetric):
    """`qa_wrong`: share of all questions that are answered wrongly."""

    default_name = "qa_wrong"
    higher_is_better = False

    def count(self, found: Outcome) -> Measurement:
        return counted(found == "wrong")


class Unclear(_Outcome, ProportionMetric):
    """`qa_unclear`: share of all completions that are not right and on which the detector cannot tell."""

    default_name = "qa_unclear"
    higher_is_better = False

    def count(self, found: Outcome) -> Measurement:
        return counted(found == "unclear")


class CorrectOfAttempted(_Outcome, ProportionMetric):
    """`qa_correct_attempted`: share of right ones among the questions that were answered (right or wrong)."""

    default_name = "qa_correct_attempted"
    grades = True

    def count(self, found: Outcome) -> Measurement | None:
        return counted(found == "correct") if found in ("correct", "wrong") else None


class Penalised(_Outcome):
    """`qa_score`: mean of 1 for a right answer, -`penalty` for a wrong one, and 0 for none. With penalty t / (1 - t)
    it pays to answer only if the answer is right with probability above t; 1 means t = 1/2 (Kalai et al. 2025,
    arXiv 2509.04664). An unclear completion counts as wrong, so that gibberish does not pay."""

    default_name = "qa_score"
    unit: Unit = "other"

    def __init__(
        self,
        *,
        name: str | None = None,
        penalty: float = 1.0,
        normalise: Normalisation = "triviaqa",
        match: Match = "exact",
    ) -> None:
        super().__init__(name=name, normalise=normalise, match=match)
        if not 0 <= penalty < float("inf"):
            raise UserError(f"metric {self.name!r}: `penalty` must be 0 or more, not {penalty}.")
        self.penalty = penalty
        self.span = (-penalty, 1.0)

    def options(self) -> dict[str, str]:
        return {**super().options(), "penalty": f"{self.penalty:g}"}

    def count(self, found: Outcome) -> Measurement:
        return counted({"correct": 1.0, "abstained": 0.0}.get(found, -self.penalty))
