"""The questions that a policy poses, with the evidence for their answers; all of them are judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lsm_eval.gating.policy import Policy
from lsm_eval.gating.result import Answer, Finding
from lsm_eval.statistics.comparison.weighted import weighted_holm


@dataclass(frozen=True, slots=True)
class Part:
    """The error rates of one of several questions."""

    false_alarm: float
    """Its share of the policy's false-alarm rate."""
    false_pass: float


class Question(Protocol):
    """A question about one metric, with its p-values."""

    @property
    def p_loss(self) -> float | None:
        """The p-value of no loss (or of a limit that is kept); None if unknown."""
        ...

    @property
    def p_margin(self) -> float | None:
        """The p-value of a loss as large as the margin (or of a limit that is broken)."""
        ...

    @property
    def weight(self) -> float: ...

    @property
    def beyond(self) -> bool:
        """Whether the number itself lies beyond the margin or limit."""
        ...

    def finding(self, answer: Answer, part: Part) -> Finding:
        """The answer with its explanation; `p` is filled in afterwards."""
        ...


def answer_questions(questions: Sequence[Question], policy: Policy) -> list[Finding]:
    """One finding for each question, in order. The probability that any question of an unchanged candidate fails is at most
    `policy.false_alarm` (weighted Holm); that a loss as large as the margin passes is at most `policy.false_pass` for each."""
    total = sum(one.weight for one in questions)
    adjusted = weighted_holm(
        [1.0 if one.p_loss is None else one.p_loss for one in questions], [one.weight for one in questions]
    )
    found = []
    for one, p in zip(questions, adjusted.tolist(), strict=True):
        part = Part(policy.false_alarm * one.weight / total, policy.false_pass)
        known = None if one.p_loss is None else p
        found.append(replace(one.finding(_answer(one, known, policy), part), p=known))
    return found


def _answer(one: Question, p: float | None, policy: Policy) -> Answer:
    if p is not None and p <= policy.false_alarm and one.beyond:
        return "fail"
    if one.p_margin is not None and one.p_margin <= policy.false_pass:
        return "pass"
    return "not enough data"
