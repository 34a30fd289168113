"""A gate that looks while the samples come in, and stops as soon as it may.

Both error rates are spent over the looks (`spending`), each test against the boundary that its own p-value has at that look
(`boundaries`), as a p-value: so that few pairs are judged by their exact distribution and not by a normal one.

- A loss is proven where p is at or below the boundary at any look so far. The metrics share `false_alarm` by Holm's procedure, on the
  p-values of the whole sequence (Liu & Anderson, Statistics in Medicine 27:2851-2862, 2008): with r metrics not yet rejected each is
  tested at `false_alarm` / r. It fails once the loss found is beyond the margin, too.
- It passes where p of a loss as large as the margin is at or below the boundary of `false_pass`.

Neither boundary counts on the other one being obeyed: both rates hold if sampling goes on after a verdict. A verdict stands once it is made.

Shares are of the pairs that were planned. `Evidence.most` is a bound for one look alone: to show one that holds on the way, make the evidence
with `false_pass` at the look's limit. The default spends evenly: at a loss of twice the margin most runs end in the first third.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.boundaries import boundaries
from lsm_eval.statistics.comparison.score import upper_tail
from lsm_eval.statistics.comparison.spending import Spending
from lsm_eval.statistics.comparison.verdicts import FALSE_ALARM, FALSE_PASS, Evidence, Outcome

EVENLY = Spending("power", 1.0)
LOOKS = 10


@dataclass(frozen=True, slots=True)
class Look:
    """What is known when a share of the planned pairs is in."""

    share: float
    """Above 0; 1 at the end, however many pairs went missing."""
    evidence: tuple[Evidence, ...]
    """One for each metric, in the same order at every look."""


@dataclass(frozen=True, slots=True)
class Settled:
    """One metric's verdict, and when it was made."""

    evidence: Evidence
    """At the look that settled it, else at the last one."""
    outcome: Outcome
    look: int | None
    """Which look settled it, from 1; None where none did."""
    limit_loss: float
    """What `p_loss` was compared with at that look."""
    limit_margin: float
    """What `p_margin` was."""


def sequential(
    looks: Sequence[Look],
    *,
    spending: Spending = EVENLY,
    false_alarm: float = FALSE_ALARM,
    false_pass: float = FALSE_PASS,
) -> tuple[Settled, ...]:
    """The verdicts after these looks, one for each metric: stop when no outcome is "undecided", or when all samples are in. Raises
    `UserError` for looks whose shares do not rise or whose metrics differ."""
    if not looks or any(len(look.evidence) != len(looks[0].evidence) for look in looks):
        raise UserError("Every look of a gate needs the same metrics, and there must be one look.")
    shares = tuple(look.share for look in looks)
    metrics = len(looks[0].evidence)
    margins = limits(false_pass, shares, spending)
    made: list[Settled | None] = [None] * metrics
    open_ = set(range(metrics))
    """Metrics whose loss is not proven."""
    for at, look in enumerate(looks):
        open_ = _unproven(open_, looks[: at + 1], shares, spending, false_alarm)
        last = limits(false_alarm / max(len(open_), 1), shares, spending)
        for metric, found in enumerate(look.evidence):
            if made[metric] is None:
                proven = metric not in open_ and found.loss is not None and found.loss > found.margin
                passed = found.p_margin is not None and found.p_margin <= margins[at]
                if proven or passed:
                    outcome: Outcome = "fail" if proven else "pass"
                    made[metric] = Settled(found, outcome, at + 1, last[at], margins[at])
    end = limits(false_alarm / max(len(open_), 1), shares, spending)
    return tuple(
        one or Settled(found, "undecided", None, end[-1], margins[-1])
        for one, found in zip(made, looks[-1].evidence, strict=True)
    )


def limits(alpha: float, shares: tuple[float, ...], spending: Spending = EVENLY) -> tuple[float, ...]:
    """The boundary at each look as a one-sided p-value: reject where p is at most this."""
    return tuple(
        upper_tail(one) if math.isfinite(one) else 0.0 for one in boundaries(alpha, shares, spending)
    )


def equal_shares(looks: int = LOOKS) -> tuple[float, ...]:
    """So many looks, at equal parts of the samples."""
    if looks < 1:
        raise UserError("A gate needs one look or more.")
    return tuple((one + 1) / looks for one in range(looks))


def _unproven(
    open_: set[int],
    looks: Sequence[Look],
    shares: tuple[float, ...],
    spending: Spending,
    false_alarm: float,
) -> set[int]:
    """Holm's procedure on all looks so far: who is left."""
    left = set(open_)
    while left:
        limit = limits(false_alarm / len(left), shares[: len(looks)], spending)
        proven = {
            metric
            for metric in left
            if any(_at_most(look, metric, one) for look, one in zip(looks, limit, strict=True))
        }
        if not proven:
            break
        left -= proven
    return left


def _at_most(look: Look, metric: int, limit: float) -> bool:
    p = look.evidence[metric].p_loss
    return p is not None and p <= limit
