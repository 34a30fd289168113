"""A gate that looks while the samples come in, and stops as soon as it may.

Both error rates are spent over the looks (`spending`), each test against the boundary that its own p-value has at that look
(`boundaries`), as a p-value: so that few pairs are judged by their exact distribution and not by a normal one.

- A loss is proven where p is at or below the boundary at any look so far. The metrics share `false_alarm` by Holm's procedure, on the
  p-values of the whole sequence (Liu & Anderson, Statistics in Medicine 27:2851-2862, 2008): with r metrics not yet rejected each is
  tested at `false_alarm` / r. It fails once the loss found is beyond the margin, too.
- It passes where p of a loss as large as the margin is at or below the boundary of `false_pass`.

Neither boundary counts on the other one being obeyed: both rates hold if sampling goes on after a verdict. A verdict stands once it is made.

Shares are of the pairs that were planned, and may be others for each metric. A metric whose share has not risen since the look before is not
tested again: it has ended, could not be judged (what a look does not spend is left to the next), or (at 0) not begun; one
that is seen once, when all is in, has its whole error rates at that look.
`Evidence.most` is a bound for one look alone: to show one that holds on the way, make the evidence with `false_pass` at the look's limit. The
default spends evenly: at a loss of twice the margin most runs end in the first third.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.boundaries import boundaries
from lsm_eval.statistics.comparison.score import upper_tail
from lsm_eval.statistics.comparison.spending import Spending
from lsm_eval.statistics.comparison.verdicts import FALSE_ALARM, FALSE_PASS, Outcome

EVENLY = Spending("power", 1.0)
LOOKS = 10


class Tested(Protocol):
    """What verdicts are made from, such as `verdicts.Evidence`."""

    @property
    def p_loss(self) -> float | None:
        """Of no loss; None where there is no telling."""
        ...

    @property
    def p_margin(self) -> float | None:
        """Of a loss as large as the margin."""
        ...

    @property
    def beyond(self) -> bool:
        """Whether the loss found is larger than the margin."""
        ...


T = TypeVar("T", bound=Tested)


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """What is known when a share of the planned pairs is in."""

    share: float | Sequence[float]
    """Above 0; 1 at the end, however many pairs went missing. One for each metric where they differ: those never fall."""
    evidence: tuple[T | None, ...]
    """One for each metric, in the same order at every look; None where there is nothing to be judged by."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[T]):
    """One metric's verdict, and when it was made."""

    evidence: T | None
    """At the look that settled it, else at its last one."""
    outcome: Outcome
    look: int | None
    """Which look settled it, from 1; None where none did."""
    limit_loss: float
    """What `p_loss` was compared with at that look; 0 where nothing was compared."""
    limit_margin: float
    """What `p_margin` was."""
    share: float = 0.0
    """Of the metric's planned pairs that were in."""


def sequential(
    looks: Sequence[Look[T]],
    *,
    spending: Spending = EVENLY,
    false_alarm: float = FALSE_ALARM,
    false_pass: float = FALSE_PASS,
    weights: Sequence[float] | None = None,
) -> tuple[Settled[T], ...]:
    """The verdicts after these looks, one for each metric: stop when no outcome is "undecided", or when all samples are in. `weights`: shares of
    the false alarms that the metrics may use, equal ones by default. Raises `UserError` for looks whose shares do not rise or whose
    metrics differ."""
    if not looks or any(len(look.evidence) != len(looks[0].evidence) for look in looks):
        raise UserError("Every look of a gate needs the same metrics, and there must be one look.")
    metrics = range(len(looks[0].evidence))
    parts = [1.0] * len(metrics) if weights is None else list(weights)
    paths = [_path(looks, metric, spending) for metric in metrics]
    made: list[Settled[T] | None] = [None] * len(metrics)
    open_ = set(metrics)
    """Metrics whose loss is not proven."""
    for at in range(len(looks)):
        open_ = _unproven(open_, paths, at, parts, false_alarm)
        for metric in metrics:
            path = paths[metric]
            if made[metric] is None and (step := path.until(at)):
                found = path.evidence[step - 1]
                margin = path.limits(false_pass)[step - 1]
                proven = metric not in open_ and found is not None and found.beyond
                passed = found is not None and found.p_margin is not None and found.p_margin <= margin
                if proven or passed:
                    outcome: Outcome = "fail" if proven else "pass"
                    alarm = _alone(metric, open_, parts, false_alarm)
                    made[metric] = Settled(
                        found, outcome, at + 1, path.limits(alarm)[step - 1], margin, path.shares[step - 1]
                    )
    return tuple(
        one or _undecided(looks, metric, paths[metric], _alone(metric, open_, parts, false_alarm), false_pass)
        for metric, one in enumerate(made)
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


@dataclass(frozen=True, slots=True)
class _Path(Generic[T]):
    """The looks at which one metric is tested, and what was seen there."""

    places: tuple[int, ...]
    shares: tuple[float, ...]
    evidence: tuple[T | None, ...]
    spending: Spending

    def until(self, at: int) -> int:
        """How many of its tests there were up to a look."""
        return sum(place <= at for place in self.places)

    def limits(self, alpha: float) -> tuple[float, ...]:
        return limits(alpha, self.shares, self.spending)


def _path(looks: Sequence[Look[T]], metric: int, spending: Spending) -> _Path[T]:
    places, shares, evidence = [], [], []
    before = 0.0
    for at, look in enumerate(looks):
        common = isinstance(look.share, (int, float))
        share = float(look.share if isinstance(look.share, (int, float)) else look.share[metric])
        if share < before or (common and share <= before):
            raise UserError("Looks are at shares of the samples that rise from above 0.")
        if share > before:
            places.append(at)
            shares.append(share)
            evidence.append(look.evidence[metric])
        before = share
    return _Path(tuple(places), tuple(shares), tuple(evidence), spending)


def _alone(metric: int, open_: Collection[int], weights: Sequence[float], false_alarm: float) -> float:
    """The part of the false alarms of one metric among those that are not proven."""
    return false_alarm * weights[metric] / sum(weights[one] for one in {*open_, metric})


def _undecided(
    looks: Sequence[Look[T]], metric: int, path: _Path[T], false_alarm: float, false_pass: float
) -> Settled[T]:
    if not path.places:
        return Settled(looks[-1].evidence[metric], "undecided", None, 0.0, 0.0)
    return Settled(
        path.evidence[-1],
        "undecided",
        None,
        path.limits(false_alarm)[-1],
        path.limits(false_pass)[-1],
        path.shares[-1],
    )


def _unproven(
    open_: Collection[int], paths: Sequence[_Path[T]], at: int, weights: Sequence[float], false_alarm: float
) -> set[int]:
    """Holm's procedure on all looks so far: who is left."""
    left = set(open_)
    while left:
        proven = {
            metric
            for metric in left
            if _crossed(paths[metric], at, _alone(metric, left, weights, false_alarm))
        }
        if not proven:
            break
        left -= proven
    return left


def _crossed(path: _Path[T], at: int, alpha: float) -> bool:
    """Whether a loss is proven at any of its looks so far."""
    steps = path.until(at)
    if not steps:
        return False
    return any(
        found is not None and found.p_loss is not None and found.p_loss <= limit
        for found, limit in zip(path.evidence[:steps], path.limits(alpha)[:steps], strict=True)
    )
