"""Margin before money: how many samples a gate needs, from one run alone.

What two runs will differ by is not known before the second. The spread of one run says what it is at most, for two models of this
quality that have nothing in common: 2 p (1 - p) of the pairs differ for an accuracy p, and a mean's differences have twice its variance.
A candidate that comes from the baseline differs in far fewer pairs; who knows how many says so (`discordance`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lsm_eval.comparison.aggregates import is_mean
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.comparison.shown.words import DASH, value
from lsm_eval.comparison.tables import FloatArray, read
from lsm_eval.errors import UserError
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.rules import Asked, asked
from lsm_eval.gating.words import amount, percent
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.power import (
    Means,
    Shares,
    Spread,
    pairs_to_pass,
    smallest_loss,
    smallest_margin,
)

HEADER = (
    "task",
    "metric",
    "baseline",
    "n",
    "differ",
    "margin",
    "n needed",
    "margin of n",
    "loss of n",
    "decides",
)
RIGHT = frozenset({2, 3, 4, 5, 6, 7, 8})
POWER = 0.9
"""The chance that an unchanged model passes, which a plan asks for."""
_TOP = {"fraction": 1.0, "points": 100.0}


@dataclass(frozen=True, slots=True)
class PlanRow:
    """What a gate of one metric needs, and what n samples can do."""

    task: str
    metric: str
    unit: str
    baseline: float | None
    n: int
    """Samples that the gate will have."""
    discordance: float | None
    """Share of the pairs that is taken to differ; None for a mean."""
    margin: float | None
    needed: int | None
    """Pairs with which an unchanged model passes in nine of ten cases; None where it is not known."""
    possible_margin: float | None
    """The smallest that n pairs rule out as often."""
    possible_loss: float | None
    """The smallest that n pairs prove in four of five cases."""

    @property
    def decides(self) -> bool:
        """Whether n is enough."""
        return self.needed is not None and self.needed <= self.n


@dataclass(frozen=True, slots=True)
class Plan:
    """All metrics that the policy gates."""

    rows: Sequence[PlanRow]
    notes: Sequence[str]
    undecidable: str | None
    """Why a gate like that could not decide, in a sentence."""


@dataclass(frozen=True, slots=True)
class _Spread:
    spread: Spread
    span: float
    """What a loss of 1 in the spread is in the metric's unit."""
    discordance: float | None = None


def plan(
    baseline: Record,
    policy: Policy,
    *,
    n: int | None = None,
    margin: float | None = None,
    discordance: float | None = None,
) -> Plan:
    """What a gate against this baseline needs. `n`: samples of each task, in place of the baseline's. `margin`: in place of the policy's, as a share:
    of 1, of 100 points, or of the baseline's value.     `discordance`: the share of the pairs that is taken to differ. Raises UserError where the policy gates nothing of the baseline."""
    gated, notes = asked(policy, baseline.estimates)
    total = sum(one.weight for one in gated)
    rows = []
    for one in gated:
        spread = _spread(baseline, one.row, discordance)
        if isinstance(spread, str):
            notes.append(f"{one.row.task}: {one.row.metric} is not planned, because {spread}.")
            continue
        held = one if margin is None else replace(one, margin=_in_unit(margin, one.row))
        rows.append(_row(held, spread, n or one.row.n or 1, policy, policy.false_alarm * one.weight / total))
    if not rows:
        why = f" ({notes[0].removesuffix('.')})" if notes else ""
        raise UserError(
            f"the policy gates nothing of this baseline that could be planned{why}: name metrics in its rules."
        )
    taken = (
        f"{percent(discordance)} of the pairs are taken to differ."
        if discordance is not None
        else "As many pairs are taken to differ as for two models that have nothing in common: a candidate that comes from the "
        "baseline differs in fewer, and needs fewer samples. State their share with --discordance."
    )
    meaning = (
        f"n needed: an unchanged model passes in {percent(POWER)} of cases. margin of n: the smallest that n rules out as often. loss of "
        "n: the smallest that n proves in 80 %."
    )
    # With a margin that is asked about, the answer is the number; nobody has said what n will be.
    return Plan(
        rows, [meaning, taken, *notes], None if margin is not None and n is None else _undecidable(rows)
    )


def cells(row: PlanRow) -> list[str]:
    """One row under `HEADER`."""
    return [
        visible(row.task),
        visible(row.metric),
        value(row.baseline, row.unit),
        f"{row.n:,}",
        DASH if row.discordance is None else percent(row.discordance),
        amount(row.margin, row.unit),
        DASH if row.needed is None else f"{row.needed:,}",
        amount(row.possible_margin, row.unit),
        amount(row.possible_loss, row.unit),
        "yes" if row.decides else "no",
    ]


def _row(one: Asked, taken: _Spread, n: int, policy: Policy, false_alarm: float) -> PlanRow:
    found, span = taken.spread, taken.span
    margin = one.margin or 0.0
    needed = (
        pairs_to_pass(margin / span, found, power=POWER, false_pass=policy.false_pass) if margin else None
    )
    least = smallest_margin(n, found, power=POWER, false_pass=policy.false_pass)
    loss = smallest_loss(n, found, margin=margin / span, false_alarm=false_alarm)
    return PlanRow(
        one.row.task,
        one.row.metric,
        one.row.unit,
        one.row.value,
        n,
        taken.discordance,
        one.margin,
        needed,
        None if least is None else least * span,
        None if loss is None else loss * span,
    )


def _in_unit(margin: float, row: EstimateRow) -> float | None:
    if row.unit in _TOP:
        return margin * _TOP[row.unit]
    return None if row.value is None else margin * abs(row.value)


def _undecidable(rows: Sequence[PlanRow]) -> str | None:
    short = [row for row in rows if not row.decides]
    if not short:
        return None
    worst = max(short, key=lambda row: math.inf if row.needed is None else row.needed / row.n)
    needs = "no number of samples would do" if worst.needed is None else f"{worst.needed:,} would do"
    more = f" (and {len(short) - 1} more)" if len(short) > 1 else ""
    return (
        f"a gate of {worst.metric} of {worst.task}{more} with {worst.n:,} samples could not decide: {needs} for its margin of "
        f"{amount(worst.margin, worst.unit)}; take more samples, a wider margin, or state how many pairs differ with --discordance."
    )


def _spread(record: Record, row: EstimateRow, discordance: float | None) -> _Spread | str:
    """What is taken for the spread of a pair's difference; or why it is not known, in words."""
    if row.value is None:
        return "it has no value"
    if not record.has_samples(row.task):
        return "the record has no samples of its own"
    table = read(record, row.task)
    held = table.statistics(row.metric)
    if held is None:
        return "the record keeps no scores of its samples"
    held = held[~np.isnan(held).any(axis=1)]
    # Of a share that differs, the differences have that share of the variance that all would have.
    share = 1.0 if discordance is None else discordance
    if not is_mean(held):
        if row.stderr is None:
            return "it has no standard error"
        # All of the design is in the standard error already.
        return _Spread(Means(math.sqrt(2 * share * (row.n or 0)) * row.stderr), 1.0)
    values, top, design = held[:, 0], _TOP.get(row.unit), _design(row, held)
    if top is None or not bool(((values >= 0) & (values <= top)).all()):
        return _Spread(Means(math.sqrt(2 * share) * float(np.std(values, ddof=1)), design), 1.0)
    binary = bool(np.isin(values, (0.0, top)).all())
    if binary and discordance is not None:
        return _Spread(Shares(discordance, design), top, discordance)
    # Of 0 or 1 it is 2 p (1 - p).
    apart = min(1.0, 2 * share * float(np.var(values / top)))
    return _Spread(Shares(apart, design), top, apart if binary else None)


def _design(row: EstimateRow, statistics: FloatArray) -> float:
    """How much more the mean varies than that of as many samples that stand alone; 1 where they do."""
    if row.clusters is None or row.stderr is None or not is_mean(statistics) or len(statistics) < 2:
        return 1.0
    alone = float(np.var(statistics[:, 0], ddof=1)) / len(statistics)
    return max(1.0, row.stderr**2 / alone) if alone > 0 else 1.0
