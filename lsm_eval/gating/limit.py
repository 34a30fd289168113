"""A limit for the candidate's own value: kept if the far end of its interval keeps it, broken if the near end breaks it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from lsm_eval.comparison.aggregates import Aggregates, is_mean
from lsm_eval.comparison.shown.words import value
from lsm_eval.comparison.tables import FloatArray, Table
from lsm_eval.gating.question import Part
from lsm_eval.gating.result import Answer, Finding
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.limit import Interval, limit_evidence
from lsm_eval.statistics.comparison.verdicts import Evidence
from lsm_eval.statistics.intervals import estimate, proportion_interval

Ends = tuple[float, float]
_NORMAL = NormalDist()


@dataclass(frozen=True)
class LimitQuestion:
    """The question whether a number is at most a limit (`at_most` False: at least); a `question.Question`."""

    row: EstimateRow
    """The candidate's estimate."""
    limit: float
    at_most: bool
    interval: Interval
    """The ends at a given level."""
    alone: bool
    """Whether samples are independent and count 0 or 1."""
    sensitive: bool
    weight: float = 1.0

    evidence: Evidence = field(kw_only=True)

    @property
    def beyond(self) -> bool:
        """Whether the number itself breaks the limit."""
        return self.evidence.loss is not None and self.evidence.loss > 0

    @property
    def p_loss(self) -> float | None:
        """The p-value of a limit that is kept."""
        return self.evidence.p_loss

    @property
    def p_margin(self) -> float | None:
        """The p-value of a limit that is broken."""
        return self.evidence.p_margin

    def finding(self, answer: Answer, part: Part) -> Finding:
        """See `question.Question.finding`."""
        row = self.row
        low, high = self.interval(1 - 2 * part.false_pass) or (None, None)
        wanted = self._wanted(part) if answer == "not enough data" else None
        return Finding(
            kind="limit",
            task=row.task,
            title=row.title,
            metric=row.metric,
            unit=row.unit,
            higher_is_better=not self.at_most,
            answer=answer,
            why=self._why(answer, low, high, wanted),
            baseline=None,
            candidate=row.value,
            loss=None,
            low=low,
            high=high,
            level=1 - 2 * part.false_pass,
            p=None,
            margin=self.limit,
            n=row.n or 0,
            clusters=row.clusters,
            discordant=None,
            missing=row.missing,
            smallest_loss=None,
            wanted_n=wanted,
            method=row.method,
            sensitive=self.sensitive,
        )

    def _why(self, answer: Answer, low: float | None, high: float | None, wanted: int | None) -> str:
        unit, bound = (
            self.row.unit,
            f"{'at most' if self.at_most else 'at least'} {value(self.limit, self.row.unit)}",
        )
        if self.row.value is None:
            return f"It has no value ({self.row.method}), and the policy wants {bound}."
        if low is None or high is None:
            return f"It has no interval ({self.row.method}), so that it is unknown whether it is {bound}."
        end, sure = (low, "least") if self.at_most == (answer == "fail") else (high, "most")
        if answer == "not enough data":
            more = f"; about {wanted:,} samples like these would decide" if wanted else ""
            return (
                f"{value(self.row.value, unit)} of {self.row.n or 0:,} samples may be {value(low, unit)} to {value(high, unit)}, and the "
                f"policy wants {bound}{more}."
            )
        return f"It is {value(end, unit)} at {sure}, and the policy wants {bound}."

    def _wanted(self, part: Part) -> int | None:
        """The number of samples with the same value at which the interval would lie on one side of the limit."""
        alpha = part.false_alarm if self.beyond else part.false_pass
        found, ends = self.row.value, self.interval(1 - 2 * alpha)
        number = self.row.n or 0
        if found is None or ends is None or found == self.limit:
            return None
        if not self.alone:
            near = ends[0] if self.limit < found else ends[1]
            wanted = math.ceil(number * ((near - found) / (self.limit - found)) ** 2)
            return wanted if wanted > number else None
        few, many = number, 10**9
        while few + 1 < many:
            middle = (few + many) // 2
            _, (low, high) = proportion_interval(found * middle, middle, 1 - 2 * alpha)
            enough = high <= self.limit if self.limit > found else low >= self.limit
            few, many = (few, middle) if enough else (middle, many)
        return many if many < 10**9 else None


@dataclass(frozen=True)
class _Quantity:
    """A metric of a record as a quantity for `statistics.intervals.estimate`."""

    unit: str
    mean: bool
    proportion: bool
    aggregate: Callable[[FloatArray], FloatArray]


def limit_question(
    row: EstimateRow,
    table: Table | None,
    limit: float,
    *,
    at_most: bool,
    aggregates: Aggregates,
    weight: float,
    false_pass: float,
) -> LimitQuestion:
    """The question whether a metric of the candidate keeps a limit. The interval is recomputed at each level if the samples reproduce the
    record's own; otherwise the record's ends are rescaled as those of a normal distribution."""
    sensitive = False
    made: tuple[Interval, bool] | None = None
    if table is not None:
        task = table.record.tasks[row.task]
        sensitive = task.sensitive or task.area == "safety"
        made = _anew(row, table, aggregates)
    interval, alone = made or (_scaled(row), False)
    evidence = limit_evidence(
        row.metric, row.value, interval, limit, higher_is_better=not at_most, false_pass=false_pass
    )
    return LimitQuestion(row, limit, at_most, interval, alone, sensitive, weight, evidence=evidence)


def _anew(row: EstimateRow, table: Table, aggregates: Aggregates) -> tuple[Interval, bool] | None:
    """The interval as a function of the level, and whether samples are independent and count 0 or 1; None if it does not reproduce the
    record's interval at its level."""
    statistics = table.statistics(row.metric)
    if statistics is None:
        return None
    say = ~np.isnan(statistics).any(axis=1) & ~table.failed
    stats = statistics[say]
    clusters = [one for one, kept in zip(table.clusters, say.tolist(), strict=True) if kept]
    mean = is_mean(table, row.metric, statistics)
    binary = mean and row.unit == "fraction" and bool(np.isin(stats[:, 0], (0.0, 1.0)).all())
    if mean:
        aggregate: Callable[[FloatArray], FloatArray] = lambda sums: np.asarray(sums[..., 0] / sums[..., 1])  # noqa: E731
    else:
        found = aggregates.of(row)
        if isinstance(found, str):
            return None
        aggregate = found
    quantity = _Quantity(row.unit, mean, binary, aggregate)

    def at(level: float) -> Ends | None:
        made = estimate(quantity, stats, clusters, missing=0, ties=0, seed=0, level=level)
        return None if made.low is None or made.high is None else (made.low, made.high)

    if not len(stats) or row.low is None or row.high is None:
        return None
    own = at(row.level)
    if own is None or not np.allclose(own, (row.low, row.high), rtol=1e-9, atol=1e-12):
        return None
    return at, binary and row.clusters is None


def _scaled(row: EstimateRow) -> Interval:
    """The record's ends, rescaled to other levels as for a normal distribution."""
    low, high, found = row.low, row.high, row.value
    if low is None or high is None or found is None:
        return lambda level: None
    z = _NORMAL.inv_cdf(0.5 + row.level / 2)

    def at(level: float) -> Ends:
        scale = _NORMAL.inv_cdf(0.5 + level / 2) / z
        return found - scale * (found - low), found + scale * (high - found)

    return at
