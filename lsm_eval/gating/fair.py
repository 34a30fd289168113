"""Metrics without a better direction: the loss is the distance from the fair value (`statistics.comparison.distance`)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lsm_eval.comparison.difference import Difference
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.errors import UserError
from lsm_eval.gating.loss import Loss, make_finding, pairs_in_words
from lsm_eval.gating.question import Part
from lsm_eval.gating.result import Answer, Finding
from lsm_eval.gating.words import amount
from lsm_eval.metrics.weights import relative
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.difference import Noise, Scale
from lsm_eval.statistics.comparison.distance import distance_evidence, distance_of
from lsm_eval.statistics.comparison.pairs import pairs as paired
from lsm_eval.statistics.comparison.verdicts import Evidence

_TOP = {"fraction": 1.0, "points": 100.0}


@dataclass(frozen=True)
class FairLoss(Loss):
    """The question whether the distance from a fair value has grown (a `question.Question`)."""

    evidence: Evidence = field(kw_only=True)

    @property
    def loss(self) -> float | None:
        """By how much the candidate is further from the fair value."""
        return self.evidence.loss

    @property
    def p_loss(self) -> float | None:
        """The p-value of a distance that has not grown."""
        return self.evidence.p_loss

    @property
    def p_margin(self) -> float | None:
        """The p-value of a distance that has grown by the margin."""
        return self.evidence.p_margin

    def finding(self, answer: Answer, part: Part) -> Finding:
        """See `question.Question.finding`."""
        return make_finding(
            self,
            answer,
            part,
            None,
            self.evidence.most,
            why=self._told(answer),
            smallest=None,
            wanted=None,
            higher_is_better=None,
        )

    def _told(self, answer: Answer) -> str:
        unit, margin = self.row.unit, amount(self.margin, self.row.unit)
        if answer == "fail":
            return f"Further from the fair value by {amount(self.loss, unit)}: proven, and beyond the margin of {margin}."
        if answer == "pass":
            most = self.evidence.most
            if most is not None and most <= 0:
                return f"Nearer to the fair value by {amount(-most, unit)} or more."
            return (
                f"That its distance from the fair value grows beyond the margin of {margin} is ruled out: it grows by "
                f"{amount(most, unit)} at most."
            )
        if self.evidence.reason is not None:
            return f"{pairs_in_words(self.found)}: there is no interval of their difference ({self.evidence.reason})."
        return (
            f"{pairs_in_words(self.found)}, neither prove that its distance from the fair value grows nor rule out that it grows "
            f"beyond the margin of {margin}."
        )


def fair_loss(
    row: EstimateRow,
    pairs: Pairs,
    measured: Difference,
    *,
    fair: float,
    margin: float,
    weight: float,
    false_pass: float,
    noise: Noise | None = None,
) -> FairLoss:
    """The question for a metric with a fair value. Raises UserError if that value is impossible."""
    if measured.scores is None:
        evidence = _of_sums(row, measured, fair, margin, false_pass)
        return FairLoss(row, pairs, measured, True, margin, weight, evidence=evidence)
    first, second = measured.scores
    say = ~np.isnan(first) & ~np.isnan(second)
    scale, top = _scale(row, np.concatenate([first[say], second[say]]), fair)
    evidence = distance_evidence(
        row.metric,
        paired(first[say], second[say], pairs.groups[say], relative(pairs.weights(0)[say])),
        fair,
        margin,
        scale,
        top=top,
        noise=noise,
        false_pass=false_pass,
    )
    return FairLoss(row, pairs, measured, True, margin, weight, evidence=evidence)


def _of_sums(
    row: EstimateRow, measured: Difference, fair: float, margin: float, false_pass: float
) -> Evidence:
    """The evidence for a metric that is not a mean over samples (a bias score, a perplexity)."""
    assert measured.first is not None
    assert measured.second is not None
    assert measured.found is not None
    assert measured.sum_about is not None
    apart, both = measured.found, measured.sum_about(fair)
    return distance_of(
        row.metric,
        measured.first,
        measured.second,
        fair,
        margin,
        apart.statistic or apart.reason or "",
        both.statistic or both.reason or "",
        false_pass=false_pass,
    )


def _scale(
    row: EstimateRow, values: np.ndarray[tuple[int], np.dtype[np.float64]], fair: float
) -> tuple[Scale, float]:
    top = _TOP.get(row.unit)
    if top is None or bool(((values < 0) | (values > top)).any()):
        return "mean", 1.0
    if not 0 <= fair <= top:
        raise UserError(
            f"the policy gives {row.metric} of {row.task} the fair value {fair:g}, which it cannot have: correct it."
        )
    return ("binary" if top == 1 and bool(np.isin(values, (0.0, 1.0)).all()) else "bounded"), top
