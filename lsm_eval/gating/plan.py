"""Planning a gate: how many samples it needs, from a single run.

How much two runs differ is unknown before the second one. One run gives the value for two independent models of this
quality: 2 p (1 - p) of the pairs differ for an accuracy p, and a mean's differences have twice its variance.
A candidate derived from the baseline differs in far fewer pairs: their share can be given (`discordance`); otherwise the plan also shows the
numbers for a few shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.comparison.shown.words import DASH, value
from lsm_eval.errors import UserError
from lsm_eval.gating.calibration import CalibrationFile, refusals
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.rules import GatedMetric, gated_metrics
from lsm_eval.gating.spread import TOP, AssumedSpread, assumed_spread, incomparable
from lsm_eval.gating.words import amount, percent
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.power import (
    Shares,
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
SHARES = (0.01, 0.02, 0.05, 0.1)
"""Shares of differing pairs to show if none is given."""
BY_SHARE = ("task", "metric", *(percent(share) for share in SHARES), "unrelated models", "the same model")
BY_SHARE_RIGHT = frozenset({2, 3, 4, 5, 6, 7})
POWER = 0.9
"""The probability that an unchanged model passes, for which a plan is made."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """The samples that a gate of one metric needs, and what n samples can show."""

    task: str
    metric: str
    unit: str
    baseline: float | None
    n: int
    """Number of samples that the gate will have."""
    discordance: float | None
    """Assumed share of differing pairs; None for a mean."""
    margin: float | None
    needed: int | None
    """Number of pairs with which an unchanged model passes in nine of ten cases; None if unknown."""
    possible_margin: float | None
    """The smallest margin that n pairs rule out as often."""
    possible_loss: float | None
    """The smallest loss that n pairs prove in four of five cases."""
    by_share: tuple[int | None, ...] | None = None
    """`needed` if `SHARES` of the pairs differ; None for a share above that of two independent models. None instead of the tuple if
    the share is given, and for metrics that are not 0 or 1 for each sample."""
    flips: float | None = None
    """Share of pairs that differ between two runs of one model, if calibrated."""
    needed_same: int | None = None
    """`needed` if this share differs."""

    @property
    def decides(self) -> bool:
        """Whether n is enough."""
        return self.needed is not None and self.needed <= self.n


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan for all metrics that the policy gates."""

    rows: Sequence[PlanRow]
    notes: Sequence[str]
    undecidable: str | None
    """A sentence if such a gate could not decide; else None."""


def plan(
    baseline: Record,
    policy: Policy,
    *,
    n: int | None = None,
    margin: float | None = None,
    discordance: float | None = None,
    calibration: CalibrationFile | None = None,
    include: Sequence[Path] = (),
    include_code: bool = False,
) -> Plan:
    """What a gate against this baseline needs. `n`: samples of each task, instead of the baseline's. `margin`: instead of the policy's,
    as a share of 1, of 100 points, or of the baseline's value. `discordance`: the assumed share of differing pairs.
    `calibration`: how many differ between runs of one model. `include`: folders with the task files of the record, if they are not
    packaged; `include_code`: their Python files may run. Raises UserError if the policy gates nothing in the baseline, or something that no
    gate can compare, or if the baseline is inconsistent."""
    if calibration is not None and (refusal := refusals(calibration, [(baseline, "baseline")])):
        raise UserError(f"{refusal[0][0].lower()}{refusal[0][1:]}")
    gated, notes = gated_metrics(policy, baseline.estimates)
    if why := record_problem(baseline, "baseline", {one.row.task for one in gated}):
        raise UserError(f"{why[0].lower()}{why[1:]}")
    aggregates = Aggregates(include, include_code)
    total = sum(one.weight for one in gated)
    rows = []
    for one in gated:
        if refused := incomparable(baseline, one.row, aggregates):
            raise UserError(
                f"the policy gates {one.row.metric} of {one.row.task}, which no gate can compare, because {refused}; name another metric "
                "of the task in a rule, or let a rule ignore the task."
            )
        spread = assumed_spread(baseline, one.row, discordance)
        if isinstance(spread, str):
            notes.append(f"{one.row.task}: {one.row.metric} is not planned, because {spread}.")
            continue
        metric = one if margin is None else replace(one, margin=_in_unit(margin, one.row))
        row = _row(metric, spread, n or one.row.n or 1, policy, policy.false_alarm * one.weight / total)
        rows.append(row if discordance is not None else _by_share(row, spread, policy, calibration, one.row))
    if not rows:
        why = f" ({notes[0].removesuffix('.')})" if notes else ""
        raise UserError(
            f"the policy gates nothing of this baseline that could be planned{why}: name metrics in its rules."
        )
    taken = (
        f"{percent(discordance)} of the pairs are taken to differ."
        if discordance is not None
        else "As many pairs are taken to differ as for two models that have nothing in common (unrelated models). A candidate that comes from "
        "the baseline differs in fewer, and needs fewer samples: a fine-tune or a quantised copy often in 1 to 10 %. `lsm-eval compare` of "
        "an earlier pair shows how many (differ / pairs); state it with --discordance."
    )
    meaning = (
        f"n needed: an unchanged model passes in {percent(POWER)} of cases. margin of n: the smallest that n rules out as often. loss of "
        "n: the smallest that n proves in 80 %."
    )
    # If a margin is given without n, the answer is the needed number: there is no n to judge.
    open_n = margin is not None and n is None
    return Plan(
        rows, [meaning, taken, *notes], None if open_n else _undecidable(rows, discordance is not None)
    )


def share_cells(row: PlanRow) -> list[str]:
    """One row under `BY_SHARE`: the needed n, by the share of differing pairs."""
    known = [*(row.by_share or ()), row.needed, row.needed_same]
    shown = [DASH if one is None else f"{one:,}" for one in known]
    for at, share in ((-2, row.discordance), (-1, row.flips)):
        shown[at] += "" if share is None else f" ({percent(share)})"
    return [visible(row.task), visible(row.metric), *shown]


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


def _row(one: GatedMetric, taken: AssumedSpread, n: int, policy: Policy, false_alarm: float) -> PlanRow:
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


def _by_share(
    row: PlanRow, taken: AssumedSpread, policy: Policy, calibration: CalibrationFile | None, own: EstimateRow
) -> PlanRow:
    """The row with the needed numbers for smaller shares of differing pairs."""
    if row.discordance is None or not isinstance(taken.spread, Shares) or not row.margin:
        return row
    most, design, margin = row.discordance, taken.spread.design, row.margin / taken.span

    def needed(share: float) -> int | None:
        return pairs_to_pass(margin, Shares(share, design), power=POWER, false_pass=policy.false_pass)

    found = None if calibration is None else calibration.of(own)
    return replace(
        row,
        by_share=tuple(needed(share) if share <= most else None for share in SHARES),
        flips=None if found is None else found.flips,
        needed_same=None if found is None else needed(found.flips),
    )


def _in_unit(margin: float, row: EstimateRow) -> float | None:
    if row.unit in TOP:
        return margin * TOP[row.unit]
    return None if row.value is None else margin * abs(row.value)


def _undecidable(rows: Sequence[PlanRow], stated: bool) -> str | None:
    """A sentence if the gate could not decide. `stated`: the share of differing pairs was given."""
    short = [row for row in rows if not row.decides]
    if not short:
        return None
    worst = max(short, key=lambda row: math.inf if row.needed is None else row.needed / row.n)
    needs = "no number of samples would do" if worst.needed is None else f"{worst.needed:,} would do"
    more = f" (and {len(short) - 1} more)" if len(short) > 1 else ""
    fewer = [
        (share, one)
        for share, one in zip(SHARES, worst.by_share or (), strict=False)
        if one is not None and worst.needed is not None and one < worst.needed
    ]
    if fewer:
        share, one = fewer[len(fewer) // 2]
        needs += f", or {one:,} where {percent(share)} of the pairs differ,"
    wider = (
        " or a wider margin"
        if stated
        else ", a wider margin, or state how many pairs differ with --discordance"
    )
    return (
        f"a gate of {worst.metric} of {worst.task}{more} with {worst.n:,} samples could not decide: {needs} for its margin of "
        f"{amount(worst.margin, worst.unit)}; take more samples{wider}."
    )
