"""Metrics of self-consistency, and their AUROC: how well they tell a model's wrong answers from its right ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import Measurement
from lsm_eval.metrics.closed_book import Match, Outcome, outcome
from lsm_eval.metrics.common import Described, ProportionMetric, counted, references
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.metrics.ranking import JointAurocMetric, Ranked
from lsm_eval.reading.normalise import Normalisation
from lsm_eval.requests import Answer
from lsm_eval.tasks.sample import Sample

from .selfcheck import DrawnMetric, SelfCheckAverage, SelfCheckMaximum, greedy_and_draws
from .semantic_entropy import SelfDisagreement, SemanticEntropy

METRICS: MetricRows = {
    "semantic_entropy": ("SemanticEntropy", "entropy of the draws' meanings", "nats", False, "generate"),
    "self_disagreement": ("SelfDisagreement", "draws unlike the greedy answer", "fraction", False, "generate"),
    "selfcheck_avg": ("SelfCheckAverage", "surprise at the answer's words, by draws", "nats", False, "generate"),
    "selfcheck_max": ("SelfCheckMaximum", "surprise at its least likely word", "nats", False, "generate"),
    "greedy_correct": ("GreedyCorrect", "greedy answer right", "fraction", True, "generate"),
    "greedy_wrong": ("GreedyWrong", "greedy answer wrong", "fraction", False, "generate"),
    "wrong_auroc": ("WrongAuroc", "a measure of draws tells wrong from right", "fraction", True, "generate"),
}  # fmt: skip

Of = Literal["semantic_entropy", "selfcheck_avg", "selfcheck_max", "self_disagreement"]
_MEASURES: dict[Of, type[DrawnMetric]] = {
    "semantic_entropy": SemanticEntropy,
    "selfcheck_avg": SelfCheckAverage,
    "selfcheck_max": SelfCheckMaximum,
    "self_disagreement": SelfDisagreement,
}


class _Greedy(ProportionMetric):
    """A share of the greedy answers by outcome (`lsm_eval.metrics.closed_book`)."""

    grades = True
    wanted: Outcome

    def __init__(
        self, *, normalise: Normalisation = "squad", match: Match = "exact", name: str | None = None
    ) -> None:
        super().__init__(name)
        self.normalise: Normalisation = normalise
        self.match: Match = match

    def options(self) -> dict[str, str]:
        return {"norm": self.normalise, "match": self.match}

    def measure(self, sample: Sample, answer: Answer) -> Measurement:
        return self.measure_all(sample, [answer])

    def measure_all(self, sample: Sample, answers: Sequence[Answer]) -> Measurement:
        greedy, _ = greedy_and_draws(self.name, sample, answers)
        return counted(
            outcome(greedy, references(self.name, sample), self.normalise, self.match) == self.wanted
        )

    def graded(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        """The greedy answer (`runner.cut_off.GradesSome`)."""
        return answers[:1]


class GreedyCorrect(_Greedy):
    """`greedy_correct`: share of the greedy answers that are right."""

    default_name = "greedy_correct"
    wanted = "correct"


class GreedyWrong(_Greedy):
    """`greedy_wrong`: share of the greedy answers that are wrong, without abstentions."""

    default_name = "greedy_wrong"
    higher_is_better = False
    wanted = "wrong"


class WrongAuroc(JointAurocMetric, Described):
    """`wrong_auroc`: AUROC of the measure `of` for telling wrong greedy answers from right ones (Farquhar et al. 2024;
    Manakul et al. 2023). At 0.5 the measure says nothing about the answer; undefined if all answers are right, or all
    wrong. Answers that say they do not know, or cannot be read, are neither and left out.

    `options` are those of the measure, such as `{similarity: embeddings}`."""

    default_name = "wrong_auroc"

    def __init__(
        self,
        *,
        of: Of = "semantic_entropy",
        options: dict[str, Any] | None = None,
        normalise: Normalisation = "squad",
        match: Match = "exact",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        try:
            self.measure_of = _MEASURES[of](**(options or {}))
        except TypeError as error:
            raise UserError(
                f"metric {self.name!r}: `options` are not those of {of} ({error}): correct them in the task."
            ) from error
        self.normalise: Normalisation = normalise
        self.match: Match = match
        self._values: dict[tuple[str, tuple[str, ...]], float | None] = {}

    def options(self) -> dict[str, str]:
        return {"of": f"({self.measure_of.signature})", "norm": self.normalise, "match": self.match}

    def ranked(self, samples: Sequence[Sample], answers: Sequence[Sequence[Answer]]) -> Ranked:
        """The measure of the samples whose greedy answer is right or wrong, and whether it is wrong."""
        scores, wrong, of = [], [], []
        for index, (sample, given) in enumerate(zip(samples, answers, strict=True)):
            greedy, draws = greedy_and_draws(self.name, sample, given)
            found = outcome(greedy, references(self.name, sample), self.normalise, self.match)
            value = self._value(greedy, draws) if found in ("correct", "wrong") else None
            if value is not None:
                scores.append(value)
                wrong.append(found == "wrong")
                of.append(index)
        return Ranked(scores, wrong, of)

    def _value(self, greedy: str, draws: tuple[str, ...]) -> float | None:
        """The measure of one sample, cached, because an interval asks for it repeatedly."""
        key = (greedy, draws)
        if key not in self._values:
            self._values[key] = self.measure_of.value(greedy, draws)
        return self._values[key]
