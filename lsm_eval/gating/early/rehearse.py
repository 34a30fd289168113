"""Judges everything that is judged once with the baseline in place of the candidate: requirements that the records cannot answer are then
found before the run, not after it."""

from __future__ import annotations

from collections.abc import Collection

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.find import find
from lsm_eval.gating.decide import Decider
from lsm_eval.gating.early.plan import LookPlan
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.run_comparison import RunComparison, SampleTables
from lsm_eval.results.reader import Record


def rehearse(
    plan: LookPlan,
    baseline: Record,
    own: SampleTables,
    policy: Policy,
    across: Collection[str],
    aggregates: Aggregates,
) -> None:
    """Raises UserError for a reference that is not a record, an impossible fair value, or a limit on a metric without direction."""
    for limit in policy.limits:
        if limit.reference is not None:
            find(limit.reference)
    comparison = RunComparison(baseline, baseline, policy, across, aggregates, own, own_tables=own)
    for one in plan.watched:
        if plan.task(one.metric.row.task).once is not None:
            comparison.question(one.metric)
    decider = Decider(baseline, baseline, policy, across, aggregates)
    decider.tables = own
    decider.of_limits()
