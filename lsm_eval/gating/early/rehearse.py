"""Asks all that is judged once of the baseline in the candidate's place: what a policy asks and its records cannot answer shows before a model is
asked anything, and not after."""

from __future__ import annotations

from collections.abc import Collection

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.find import find
from lsm_eval.gating.decide import Decider
from lsm_eval.gating.early.plan import LookPlan
from lsm_eval.gating.held import Held, Tables
from lsm_eval.gating.policy import Policy
from lsm_eval.results.reader import Record


def rehearse(
    plan: LookPlan,
    baseline: Record,
    own: Tables,
    policy: Policy,
    across: Collection[str],
    aggregates: Aggregates,
) -> None:
    """Raises UserError for a reference that is no record, a fair value that a metric cannot have, a limit of a metric without direction."""
    for limit in policy.limits:
        if limit.reference is not None:
            find(limit.reference)
    held = Held(baseline, baseline, policy, across, aggregates, own, own_tables=own)
    for one in plan.watched:
        if plan.task(one.asked.row.task).once is not None:
            held.question(one.asked)
    decider = Decider(baseline, baseline, policy, across, aggregates)
    decider.tables = own
    decider.of_limits()
