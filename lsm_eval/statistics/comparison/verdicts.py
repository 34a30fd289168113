"""The three answers of a gate, and their error rates.

- **fail**: a loss is proven and the observed loss is larger than the margin. The probability that any metric of an unchanged candidate
  fails is at most `false_alarm` (1 %), over all metrics together (Holm).
- **pass**: a loss as large as the margin is ruled out. If the true loss is the margin or more, the probability is at most `false_pass`
  (5 %), for each metric and so for all together (Berger, Technometrics 24:295-300, 1982).
- **undecided**: neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.difference import Difference, bound, p_value
from lsm_eval.statistics.comparison.multiple import holm
from lsm_eval.statistics.comparison.score import Side

Outcome = Literal["fail", "pass", "undecided"]

FALSE_ALARM = 0.01
FALSE_PASS = 0.05


@dataclass(frozen=True, slots=True)
class Claim:
    """The requirement on one metric."""

    name: str
    difference: Difference
    """Candidate minus baseline."""
    margin: float
    """The acceptable loss, in the metric's unit, 0 or more."""
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim's p-values, from which verdicts follow."""

    name: str
    loss: float | None
    """The observed loss: positive if the candidate is worse."""
    most: float | None
    """The largest loss that is not ruled out, at the false-pass rate."""
    margin: float
    p_loss: float | None
    """The p-value of no loss, against a loss."""
    p_margin: float | None
    """The p-value of a loss as large as the margin, against a smaller one."""
    reason: str | None = None
    """Why there are no p-values."""

    @property
    def beyond(self) -> bool:
        """Whether the observed loss is larger than the margin."""
        return self.loss is not None and self.loss > self.margin


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one metric."""

    evidence: Evidence
    outcome: Outcome
    p_adjusted: float | None
    """`evidence.p_loss`, adjusted for the number of metrics (Holm)."""
    why: str
    """In words."""


def evidence(claim: Claim, *, false_pass: float = FALSE_PASS) -> Evidence:
    """The p-values of a claim. Raises `UserError` for a margin below 0."""
    if not claim.margin >= 0:
        raise UserError(
            f"The margin of {claim.name} is {claim.margin:g}: give the acceptable loss, 0 or more."
        )
    found = claim.difference
    sign = 1.0 if claim.higher_is_better else -1.0
    worse: Side = "less" if claim.higher_is_better else "greater"
    better: Side = "greater" if claim.higher_is_better else "less"
    end = bound(found, false_pass, better)
    return Evidence(
        claim.name,
        None if found.value is None else -sign * found.value,
        None if end is None else -sign * end,
        claim.margin,
        p_value(found, 0.0, worse),
        p_value(found, -sign * claim.margin, better),
        found.reason,
    )


def verdicts(
    claims: Sequence[Claim], *, false_alarm: float = FALSE_ALARM, false_pass: float = FALSE_PASS
) -> tuple[Verdict, ...]:
    """One verdict for each claim, in order."""
    return judged(
        [evidence(claim, false_pass=false_pass) for claim in claims],
        false_alarm=false_alarm,
        false_pass=false_pass,
    )


def judged(
    found: Sequence[Evidence], *, false_alarm: float = FALSE_ALARM, false_pass: float = FALSE_PASS
) -> tuple[Verdict, ...]:
    """One verdict for each piece of evidence, in order; evidence without p-values still counts among the tests."""
    adjusted = holm([1.0 if one.p_loss is None else one.p_loss for one in found])
    return tuple(
        _judged(one, None if one.p_loss is None else float(p), false_alarm, false_pass)
        for one, p in zip(found, adjusted, strict=True)
    )


def overall(found: Sequence[Verdict]) -> Outcome:
    """fail if any metric fails, pass if all pass, else undecided; undecided without verdicts."""
    outcomes = [one.outcome for one in found]
    if "fail" in outcomes:
        return "fail"
    return "pass" if outcomes and all(one == "pass" for one in outcomes) else "undecided"


def _judged(found: Evidence, adjusted: float | None, false_alarm: float, false_pass: float) -> Verdict:
    if found.loss is None or adjusted is None or found.p_margin is None:
        return Verdict(found, "undecided", adjusted, found.reason or "no p-value")
    if adjusted <= false_alarm and found.loss > found.margin:
        return Verdict(found, "fail", adjusted, "a loss is proven, and the loss found is beyond the margin")
    if found.p_margin <= false_pass:
        if adjusted <= false_alarm:
            return Verdict(
                found, "pass", adjusted, "a loss is proven, and one as large as the margin is ruled out"
            )
        return Verdict(found, "pass", adjusted, "a loss as large as the margin is ruled out")
    if adjusted <= false_alarm:
        return Verdict(
            found, "undecided", adjusted, "a loss is proven, but not whether it is as large as the margin"
        )
    return Verdict(
        found, "undecided", adjusted, "neither is a loss proven, nor one as large as the margin ruled out"
    )
