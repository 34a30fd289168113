"""Whether the records of a gate are what they say, as far as it uses them."""

from __future__ import annotations

from lsm_eval.comparison.doubts import doubt
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.rules import asked, ignored, limited
from lsm_eval.results.reader import Record


def doubts(baseline: Record | None, candidate: Record, policy: Policy) -> list[str]:
    """Why nothing is to be concluded from them, a sentence a record; only the tasks that the policy asks are counted again."""
    found: list[str | None] = []
    used: set[str] = set()
    if baseline is not None:
        used |= {one.row.task for one in asked(policy, baseline.estimates)[0]}
        found.append(doubt(baseline, "baseline", used))
    used |= {row.task for _, row in limited(policy.limits, candidate.estimates) if row}
    if policy.shares.model_dump(exclude_none=True):
        used |= {task for task in candidate.tasks if not ignored(policy, task)}
    found.append(doubt(candidate, "candidate", used))
    return [why for why in found if why]
