"""Whether the candidate is worse than a baseline or another run: the evidence for one metric, and its finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lsm_eval.comparison.difference import Difference
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.gating.question import Part
from lsm_eval.gating.result import Answer, Finding, Kind
from lsm_eval.gating.words import amount, counted, percent, span
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.difference import Difference as Found
from lsm_eval.statistics.comparison.difference import bound, p_value
from lsm_eval.statistics.comparison.power import (
    Spread,
    pairs_to_fail,
    pairs_to_pass,
    smallest_loss,
    spread_of,
)
from lsm_eval.statistics.comparison.score import Score, Side


@dataclass(frozen=True)
class Loss:
    """The question whether the candidate is worse in a metric with a better direction (a `question.Question`)."""

    row: EstimateRow
    """The baseline's estimate."""
    pairs: Pairs
    measured: Difference
    higher_is_better: bool
    margin: float
    weight: float = 1.0
    kind: Kind = "loss"
    against: str = ""
    """The other run if it is not the baseline, as part of a sentence."""

    @property
    def found(self) -> Found:
        """Candidate minus baseline."""
        assert self.measured.found is not None
        return self.measured.found

    @property
    def loss(self) -> float | None:
        """How much worse the candidate is."""
        value = self.found.value
        return None if value is None else (-value if self.higher_is_better else value)

    @property
    def beyond(self) -> bool:
        """Whether the observed loss is larger than the margin."""
        return self.loss is not None and self.loss > self.margin * (1 + 1e-9)

    @cached_property
    def p_loss(self) -> float | None:
        """The p-value of no loss."""
        return p_value(self.found, 0.0, self._worse)

    @cached_property
    def p_margin(self) -> float | None:
        """The p-value of a loss as large as the margin."""
        return p_value(self.found, self._difference(self.margin), self._better)

    def most(self, alpha: float) -> float | None:
        """The largest loss that is not ruled out."""
        end = bound(self.found, alpha, self._better)
        return None if end is None else self._difference(end)

    def least(self, alpha: float) -> float | None:
        """The smallest loss that is not ruled out."""
        end = bound(self.found, alpha, self._worse)
        return None if end is None else self._difference(end)

    def finding(self, answer: Answer, part: Part) -> Finding:
        """See `question.Question.finding`."""
        low, high = self.least(part.false_pass), self.most(part.false_pass)
        spread = spread_of(self.found)
        smallest = None if spread is None else _smallest(self, spread, part)
        wanted = None
        if answer == "not enough data" and spread is not None:
            wanted = _wanted(self, spread, part)
        return make_finding(
            self,
            answer,
            part,
            low,
            high,
            why=self._why(answer, part, low, high, smallest, wanted),
            smallest=smallest,
            wanted=wanted,
            higher_is_better=self.higher_is_better,
        )

    @property
    def span(self) -> float:
        """The value, in the metric's unit, of a loss of 1 in a spread."""
        statistic = self.found.statistic
        return statistic.span if isinstance(statistic, Score) else 1.0

    @property
    def _worse(self) -> Side:
        return "less" if self.higher_is_better else "greater"

    @property
    def _better(self) -> Side:
        return "greater" if self.higher_is_better else "less"

    def _difference(self, loss: float) -> float:
        return -loss if self.higher_is_better else loss

    def _why(
        self,
        answer: Answer,
        part: Part,
        low: float | None,
        high: float | None,
        smallest: float | None,
        wanted: int | None,
    ) -> str:
        unit, margin = self.row.unit, amount(self.margin, self.row.unit)
        if answer == "fail":
            return f"Worse{self.against} by {amount(self.loss, unit)} ({span(low, high, unit)}): proven, and beyond the margin of {margin}."
        if answer == "pass":
            return ruled_out(high, unit, margin, self.against)
        return too_little(self.found, unit, smallest, wanted, undecidable=self.p_loss is None)


def ruled_out(high: float | None, unit: str, margin: str, against: str) -> str:
    """Why a metric passes."""
    if high is not None and high <= 0:
        return f"Better{against}, by {amount(-high, unit)} or more."
    return f"A loss{against} beyond the margin of {margin} is ruled out: it is {amount(high, unit)} at most."


def too_little(
    found: Found, unit: str, smallest: float | None, wanted: int | None, *, undecidable: bool
) -> str:
    """Why the data is not enough."""
    if undecidable:
        return f"{pairs_in_words(found)}: there is no interval of their difference ({found.reason})."
    shown = "show no loss at all" if smallest is None else f"show a loss of {amount(smallest, unit)} or more"
    more = "" if wanted is None else f"; about {counted(wanted, 'pair')} would decide"
    comma = "," if found.discordant is not None else ""
    return f"{pairs_in_words(found)}{comma} can {shown}{more}."


def pairs_in_words(found: Found) -> str:
    """`1,319 pairs, of which 132 differ (10 %)`."""
    pairs = counted(found.n, "pair")
    if found.discordant is None or not found.n:
        return pairs
    return f"{pairs}, of which {found.discordant:,} differ ({percent(found.discordant / found.n)})"


def make_finding(
    question: Loss,
    answer: Answer,
    part: Part,
    low: float | None,
    high: float | None,
    *,
    why: str,
    smallest: float | None,
    wanted: int | None,
    higher_is_better: bool | None,
) -> Finding:
    """The finding for a loss."""
    row, found = question.row, question.found
    return Finding(
        kind=question.kind,
        task=row.task,
        title=row.title,
        metric=row.metric,
        unit=row.unit,
        higher_is_better=higher_is_better,
        answer=answer,
        why=why,
        baseline=question.measured.first,
        candidate=question.measured.second,
        loss=question.loss,
        low=low,
        high=high,
        level=1 - 2 * part.false_pass,
        p=None,
        margin=question.margin,
        n=found.n,
        clusters=found.clusters,
        discordant=found.discordant,
        missing=question.pairs.missing + question.measured.unscored,
        smallest_loss=smallest,
        wanted_n=wanted,
        method=found.method,
        sensitive=question.pairs.sensitive,
    )


def _smallest(question: Loss, spread: Spread, part: Part) -> float | None:
    """The smallest true loss that this number of pairs fails in four of five cases."""
    found = smallest_loss(
        question.found.n, spread, margin=question.margin / question.span, false_alarm=part.false_alarm
    )
    return None if found is None else found * question.span


def _wanted(question: Loss, spread: Spread, part: Part) -> int | None:
    """The number of pairs that would decide: if the observed loss is beyond the margin, enough to prove it; else enough for an unchanged model
    to pass or, if there are already that many, for one with the observed loss."""
    loss, margin = (question.loss or 0.0) / question.span, question.margin / question.span
    number = question.found.n
    if question.beyond:
        wanted = pairs_to_fail(loss, spread, margin=margin, false_alarm=part.false_alarm)
    else:
        wanted = pairs_to_pass(margin, spread, false_pass=part.false_pass)
        if wanted is not None and wanted <= number:
            wanted = pairs_to_pass(margin, spread, loss=max(loss, 0.0), false_pass=part.false_pass)
    return wanted if wanted is not None and wanted > number else None
