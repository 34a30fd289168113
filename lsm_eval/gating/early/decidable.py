"""Whether a gate of so many pairs can pass anything at all: in the best case no pair differs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.difference import difference
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.errors import UserError
from lsm_eval.gating.early.plan import LookPlan, Watched
from lsm_eval.gating.held import Tables
from lsm_eval.gating.loss import Loss
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.words import amount, counted
from lsm_eval.statistics.comparison.sequential import limits

_NORMAL = NormalDist()
_NO_VALUE = " (none of the samples that are asked has a value in the baseline)"


def check_decidable(plan: LookPlan, own: Tables, policy: Policy, aggregates: Aggregates) -> None:
    """UserError where a metric could not pass even if no answer differed, in one sentence."""
    found = list(_hopeless(plan, own, policy, aggregates))
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(found[0].replace("\0", more))


def _hopeless(plan: LookPlan, own: Tables, policy: Policy, aggregates: Aggregates) -> Iterator[str]:
    for one in plan.watched:
        margin = one.asked.margin or 0.0
        if one.asked.higher_is_better is None or plan.task(one.asked.row.task).once is not None:
            continue
        name = f"{one.asked.row.metric} of {one.asked.row.task}"
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
                f"answer differs, a loss of {amount(most, one.asked.row.unit)} is not ruled out, and its margin is "
                f"{amount(margin, one.asked.row.unit)}; take a wider margin, or about {needed}."
            )


def _against_itself(one: Watched, own: Tables, policy: Policy, aggregates: Aggregates) -> Loss | None:
    """The question of a candidate that gives the baseline's answers; None where there are no pairs."""
    table = own.of(one.asked.row.task)
    if table is None or not len(one.known):
        return None
    rows = one.known[~table.failed[one.known]]
    same = Pairs(table, table, np.column_stack([rows, rows]), 0, 0, 0, 0, 0, 0)
    measured = difference(one.asked.row, same, aggregates, 1 - 2 * policy.false_pass)
    if measured.found is None:
        return None
    assert one.asked.higher_is_better is not None
    return Loss(one.asked.row, same, measured, one.asked.higher_is_better, one.asked.margin or 0.0)


def _rising(shares: tuple[float, ...]) -> tuple[float, ...]:
    """Each share once."""
    return tuple(share for share, before in zip(shares, (0.0, *shares), strict=False) if share > before)


def _needed(limit: float, margin: float, most: float, n: int) -> int:
    """Samples of which none differs that rule out a margin, in clusters as large and with weights as unlike as those of n, which rule out
    `most`."""
    return math.ceil(n * _alone(limit, margin) / _alone(limit, most))


def _alone(limit: float, loss: float) -> float:
    """Pairs that stand alone, of which none differs, that rule out a loss: by the exact chance of none, and by Tango's statistic, which is
    then the root of n · loss / (1 - loss)."""
    share = min(loss, 1 - 1e-9)
    z = _NORMAL.inv_cdf(1 - limit)
    return max(math.log(limit) / math.log1p(-share), z**2 * (1 - share) / share)
