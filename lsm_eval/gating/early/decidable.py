"""Whether a gate has enough pairs to pass a metric in the best case, in which no pair differs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.difference import difference
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.errors import UserError
from lsm_eval.gating.early.plan import LookPlan, WatchedMetric
from lsm_eval.gating.loss import Loss
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.run_comparison import SampleTables
from lsm_eval.gating.words import amount, counted
from lsm_eval.statistics.comparison.sequential import limits

_NORMAL = NormalDist()
_NO_VALUE = " (none of the run's samples has a value in the baseline)"


def check_decidable(plan: LookPlan, own: SampleTables, policy: Policy, aggregates: Aggregates) -> None:
    """Raises UserError if a metric could not pass even if no answer differed."""
    found = list(_hopeless(plan, own, policy, aggregates))
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(found[0].replace("\0", more))


def _hopeless(plan: LookPlan, own: SampleTables, policy: Policy, aggregates: Aggregates) -> Iterator[str]:
    for one in plan.watched:
        margin = one.metric.margin or 0.0
        if one.metric.higher_is_better is None or plan.task(one.metric.row.task).once is not None:
            continue
        name = f"{one.metric.row.metric} of {one.metric.row.task}"
        same = _against_itself(one, own, policy, aggregates)
        if same is None or same.p_margin is None:
            why = f" ({same.found.reason})" if same is not None else "" if len(one.known) else _NO_VALUE
            yield f"a gate of {name}\0 could not decide: its pairs have no interval{why}; take more samples, or let a rule ignore it."
        elif margin and same.p_margin > (limit := limits(policy.false_pass, _rising(one.shares))[-1]):
            most = same.most(limit)
            assert most is not None
            needed = counted(_needed(limit, margin / same.span, most / same.span, len(one.known)), "sample")
            yield (
                f"a gate of {name}\0 with {counted(len(one.known), 'sample')} and {counted(plan.looks, 'look')} could not decide: even where no "
                f"answer differs, a loss of {amount(most, one.metric.row.unit)} is not ruled out, and its margin is "
                f"{amount(margin, one.metric.row.unit)}; take a wider margin, or about {needed}."
            )


def _against_itself(
    one: WatchedMetric, own: SampleTables, policy: Policy, aggregates: Aggregates
) -> Loss | None:
    """The question for a candidate with the same answers as the baseline; None if there are no pairs."""
    table = own.of(one.metric.row.task)
    if table is None or not len(one.known):
        return None
    rows = one.known[~table.failed[one.known]]
    same = Pairs(table, table, np.column_stack([rows, rows]), 0, 0, 0, 0, 0, 0)
    measured = difference(one.metric.row, same, aggregates, 1 - 2 * policy.false_pass)
    if measured.found is None:
        return None
    assert one.metric.higher_is_better is not None
    return Loss(one.metric.row, same, measured, one.metric.higher_is_better, one.metric.margin or 0.0)


def _rising(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Each share once."""
    return tuple(share for share, before in zip(shares, (0.0, *shares), strict=False) if share > before)


def _needed(limit: float, margin: float, most: float, n: int) -> int:
    """The number of samples, none of which differs, that rules out a margin, with the same sizes of clusters and spread of weights as n
    samples, which rule out `most`."""
    return math.ceil(n * _alone(limit, margin) / _alone(limit, most))


def _alone(limit: float, loss: float) -> float:
    """The number of independent pairs, none of which differs, that rules out a loss: by the exact probability of none, and by Tango's
    statistic, which is then the square root of n · loss / (1 - loss)."""
    share = min(loss, 1 - 1e-9)
    z = _NORMAL.inv_cdf(1 - limit)
    return max(math.log(limit) / math.log1p(-share), z**2 * (1 - share) / share)
