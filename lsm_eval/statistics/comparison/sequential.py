"""Group-sequential gates: interim looks while samples come in, and verdicts as early as the error rates allow.

Both error rates are spent over the looks (`spending`). At each look a test's p-value is compared with its boundary (`boundaries`) converted
to a p-value, so that few pairs are judged by their exact distribution and not by a normal one.

- A loss is proven if its p-value is at or below the boundary at any look so far. The metrics share `false_alarm` by Holm's procedure, on the
  p-values of the whole sequence (Liu & Anderson, Statistics in Medicine 27:2851-2862, 2008): with r metrics not yet rejected each is
  tested at `false_alarm` / r. The metric fails once the observed loss is also beyond the margin.
- It passes if the p-value of a loss as large as the margin is at or below the boundary of `false_pass`.

The boundaries are non-binding: both rates hold if sampling continues after a verdict. A verdict is final.

Shares are relative to the planned pairs and may differ between metrics. A metric whose share has not increased since the last look is not
tested again: it has ended, could not be judged (the unspent error is left to the next look), or (at 0) has not begun. A metric
that is tested only once, when all samples are in, has its whole error rates at that look.
`Evidence.most` is a bound for a single look: for one that is valid at an interim look, make the evidence with `false_pass` at the look's limit.
The default spends evenly: at a loss of twice the margin most runs end in the first third.
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


class Testable(Protocol):
    """Anything with the p-values that verdicts need, such as `verdicts.Evidence`."""

    @property
    def p_loss(self) -> float | None:
        """The p-value of no loss; None if it is not known."""
        ...

    @property
    def p_margin(self) -> float | None:
        """The p-value of a loss as large as the margin."""
        ...

    @property
    def beyond(self) -> bool:
        """Whether the observed loss is larger than the margin."""
        ...


T = TypeVar("T", bound=Testable)


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """The evidence when a share of the planned pairs is in."""

    share: float | Sequence[float]
    """Above 0; 1 at the end, even if pairs are missing. A sequence has one for each metric, which never decreases."""
    evidence: tuple[T | None, ...]
    """One for each metric, in the same order at every look; None if a metric cannot be judged."""


@dataclass(frozen=True, slots=True)
class SequentialVerdict(Generic[T]):
    """One metric's verdict, and the look that made it."""

    evidence: T | None
    """The evidence at the look that made the verdict, else at the metric's last look."""
    outcome: Outcome
    look: int | None
    """The look that made the verdict, from 1; None if none did."""
    limit_loss: float
    """The limit for `p_loss` at that look; 0 if there was no test."""
    limit_margin: float
    """The limit for `p_margin`."""
    share: float = 0.0
    """Share of the metric's planned pairs that were in."""


def sequential(
    looks: Sequence[Look[T]],
    *,
    spending: Spending = EVENLY,
    false_alarm: float = FALSE_ALARM,
    false_pass: float = FALSE_PASS,
    weights: Sequence[float] | None = None,
) -> tuple[SequentialVerdict[T], ...]:
    """The verdicts after these looks, one for each metric: stop when no outcome is "undecided", or when all samples are in. `weights`: the
    metrics' shares of the false-alarm rate, equal by default. Raises `UserError` for looks whose shares do not increase or whose
    metrics differ."""
    if not looks or any(len(look.evidence) != len(looks[0].evidence) for look in looks):
        raise UserError("A gate needs at least one look, and the same metrics at every look.")
    metrics = range(len(looks[0].evidence))
    parts = [1.0] * len(metrics) if weights is None else list(weights)
    paths = [_path(looks, metric, spending) for metric in metrics]
    made: list[SequentialVerdict[T] | None] = [None] * len(metrics)
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
                    made[metric] = SequentialVerdict(
                        found, outcome, at + 1, path.limits(alarm)[step - 1], margin, path.shares[step - 1]
                    )
    return tuple(
        one or _undecided(looks, metric, paths[metric], _alone(metric, open_, parts, false_alarm), false_pass)
        for metric, one in enumerate(made)
    )


def limits(alpha: float, shares: tuple[float, ...], spending: Spending = EVENLY) -> tuple[float, ...]:
    """The boundary at each look as a one-sided p-value: reject if p is at most this."""
    return tuple(
        upper_tail(one) if math.isfinite(one) else 0.0 for one in boundaries(alpha, shares, spending)
    )


def equal_shares(looks: int = LOOKS) -> tuple[float, ...]:
    """Shares for this number of looks, at equal intervals."""
    if looks < 1:
        raise UserError("A gate needs at least one look.")
    return tuple((one + 1) / looks for one in range(looks))


@dataclass(frozen=True, slots=True)
class _Path(Generic[T]):
    """The looks at which one metric is tested, with their evidence."""

    places: tuple[int, ...]
    shares: tuple[float, ...]
    evidence: tuple[T | None, ...]
    spending: Spending

    def until(self, at: int) -> int:
        """The number of its tests up to this look."""
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
            raise UserError("The shares of the samples at the looks must increase, starting above 0.")
        if share > before:
            places.append(at)
            shares.append(share)
            evidence.append(look.evidence[metric])
        before = share
    return _Path(tuple(places), tuple(shares), tuple(evidence), spending)


def _alone(metric: int, open_: Collection[int], weights: Sequence[float], false_alarm: float) -> float:
    """One metric's part of the false-alarm rate, among the metrics whose loss is not proven."""
    return false_alarm * weights[metric] / sum(weights[one] for one in {*open_, metric})


def _undecided(
    looks: Sequence[Look[T]], metric: int, path: _Path[T], false_alarm: float, false_pass: float
) -> SequentialVerdict[T]:
    if not path.places:
        return SequentialVerdict(looks[-1].evidence[metric], "undecided", None, 0.0, 0.0)
    return SequentialVerdict(
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
    """Holm's procedure on all looks so far: the metrics whose loss is not proven."""
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
