"""Missing tasks and metrics of a candidate: a limit or share does not count as kept if its numbers are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lsm_eval.comparison.shown.escape import visible
from lsm_eval.comparison.tables import Table
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.rules import fits, ignored
from lsm_eval.results.schema import Manifest


def unmeasured(policy: Policy, candidate: Manifest) -> Iterator[str]:
    """A sentence for each limit that cannot be tested because the run left out a task or a metric that it matches."""
    for limit in policy.limits:
        for absent in candidate.absent:
            if fits(limit.task, absent.task) and fits(limit.metric, absent.metric):
                yield (
                    f"The policy limits {visible(absent.metric)} of {visible(absent.task)}, which the candidate left out "
                    f"({visible(absent.why.removesuffix('.'))}): run it."
                )
        for row in candidate.left_out:
            if fits(limit.task, row.task) and not ignored(policy, row.task):
                yield (
                    f"The policy limits {visible(limit.metric)} of {visible(limit.task)}, and the candidate left out "
                    f"{visible(row.task)} ({visible(row.why.removesuffix('.'))}): run it, or let a rule of the policy ignore it."
                )


def uncounted(policy: Policy, candidate: Manifest, tables: Mapping[str, Table | None]) -> Iterator[str]:
    """A sentence for each task whose shares cannot be counted. `tables`: those of the tasks that are not ignored."""
    for task, table in tables.items():
        if table is None:
            yield (
                f"{task}: the policy limits shares of samples, and the candidate has no samples of its own, only numbers: name a record "
                "that has, or let a rule of the policy ignore it."
            )
    for row in candidate.left_out:
        if not ignored(policy, row.task):
            yield (
                f"{visible(row.task)}: the policy limits shares of samples, and the candidate left the task out ({visible(row.why.removesuffix('.'))}): "
                "run it, or let a rule of the policy ignore it."
            )
