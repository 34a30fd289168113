"""Checks of the records that a gate uses, for the tasks that it uses."""

from __future__ import annotations

from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.rules import gated_metrics, ignored, limited
from lsm_eval.results.reader import Record


def record_problems(baseline: Record | None, candidate: Record, policy: Policy) -> list[str]:
    """Why nothing can be concluded from the records, a sentence for each inconsistent one; only tasks of the policy are recounted."""
    found: list[str | None] = []
    used: set[str] = set()
    if baseline is not None:
        used |= {one.row.task for one in gated_metrics(policy, baseline.estimates)[0]}
        found.append(record_problem(baseline, "baseline", used))
    used |= {row.task for _, row in limited(policy.limits, candidate.estimates) if row}
    if policy.shares.model_dump(exclude_none=True):
        used |= {task for task in candidate.tasks if not ignored(policy, task)}
    found.append(record_problem(candidate, "candidate", used))
    return [why for why in found if why]
