"""Checks for what a sequential gate cannot do, made before anything is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from lsm_eval.comparison import signature
from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.comparison.tables import Table
from lsm_eval.errors import NotComparable, UserError
from lsm_eval.gating.early.task import RunTask
from lsm_eval.gating.outage import OWN, failures
from lsm_eval.gating.policy import Outage, Policy
from lsm_eval.gating.rules import GatedMetric, ignored
from lsm_eval.results.reader import Record

_UNKNOWN = frozenset({"reasoning"})
"""Parts of a signature that are known only after answers."""


def check_policy(policy: Policy) -> None:
    """Raises UserError for requirements of a policy that one run cannot answer."""
    if policy.speed:
        names = ", ".join(dict.fromkeys(one.of for one in policy.speed))
        raise UserError(
            f"the policy gates speed ({names}), which needs several alternating runs and none that stops early: remove it, "
            "and gate it with `lsm-eval gate` afterwards."
        )


def check_tasks(
    gated: Sequence[GatedMetric],
    limited: Collection[str],
    tasks: Sequence[RunTask],
    baseline: Record,
    policy: Policy,
) -> None:
    """Raises UserError if run and baseline do not have the same tasks, as far as the policy needs them; `limited` are those of its limits."""
    there = {task.name for task in tasks}
    lacking = sorted(name for name in there - set(baseline.tasks) - set(limited) if not ignored(policy, name))
    if lacking:
        raise UserError(
            f"the baseline has not run {_listed(lacking)}: run {_it(lacking)} with the baseline's model first, or leave "
            f"{_it(lacking)} out of --tasks."
        )
    absent = list(dict.fromkeys(one.row.task for one in gated if one.row.task not in there))
    if any("@" in name for name in absent):
        raise UserError(
            f"the policy gates {_listed(absent)}, and a run that may stop early has no perturbed wordings: give the policy the rule "
            '{task: "*@*", ignore: true}.'
        )
    if absent:
        raise UserError(
            f"the policy gates {_listed(absent)}, which --tasks does not name: name {_it(absent)}, or let a rule of the policy "
            "ignore it."
        )
    by_name = {task.name: task for task in tasks}
    for one in gated:
        if one.row.metric.partition("[")[0] in by_name[one.row.task].unjudged:
            raise UserError(
                f"the policy gates {one.row.metric} of {one.row.task}, which asks a judge: name one with --judge MODEL."
            )
        if not baseline.has_samples(one.row.task):
            raise UserError(
                f"the baseline has no samples of {one.row.task}, only numbers: name a record with its samples."
            )


def check_comparable(
    gated: Sequence[GatedMetric], tasks: Sequence[RunTask], baseline: Record, across: Collection[str]
) -> None:
    """Raises `NotComparable` if the baseline is inconsistent, or was run with other settings than the run will be."""
    by_name = {task.name: task for task in tasks}
    if why := record_problem(baseline, "baseline", {one.row.task for one in gated}):
        raise NotComparable(why)
    for name, how in baseline.tasks.items():
        if name in by_name and how.gate is not None and (how.samples or 0) < how.gate.planned:
            raise NotComparable(
                f"{name}: the baseline itself stopped early, at look {how.gate.look} of {how.gate.looks}, and its numbers are not those of "
                "all samples: name a run of it without --gate."
            )
    for one in gated:
        task, name = by_name[one.row.task], one.row.metric
        own = _expected(one, task)
        if own is None:
            continue
        parts = signature.differing(one.row.signature, own)
        grouped = {"metric"} if name in task.judged or name not in task.signatures else frozenset[str]()
        if refused := signature.refused(parts, {*across, *_UNKNOWN, *grouped}):
            names = " ".join(f"--across {part.name}" for part in refused)
            raise NotComparable(
                f"{one.row.task}: {' and '.join(visible(str(part)) for part in refused)} "
                f"{'differs' if len(refused) == 1 else 'differ'} between the baseline and this run: run both alike, or say with "
                f"{names} that it is to differ."
            )


def check_answered(table: Table, rows: Sequence[int], limits: Outage) -> None:
    """Raises `NotComparable` if too many of the baseline's samples in these rows failed."""
    why = failures(table)
    lost = [reason for row in rows if (reason := why[row]) is not None]
    certain = sum(reason not in OWN for reason in lost)
    if len(lost) == len(rows) or certain > limits.missing * len(rows):
        counts = " and ".join(
            f"{count:,} {visible(reason)}" for reason, count in sorted(Counter(lost).items())
        )
        raise NotComparable(
            f"{table.task}: {len(lost):,} of {len(rows):,} samples failed in the baseline ({counts}), so that no run can be compared with it: "
            "see why, and run it again."
        )


def by_id_alone(one: GatedMetric, task: RunTask, across: Collection[str]) -> bool:
    """Whether samples intentionally have different prompts, so that they are matched by id only."""
    own = _expected(one, task)
    return own is not None and signature.by_id_alone(signature.differing(one.row.signature, own), across)


def _expected(one: GatedMetric, task: RunTask) -> str | None:
    """The signature that a metric will have. For a metric that exists only once there are samples, it is that of another one, which differs
    only in the part `metric`. None if the task's signatures are not known."""
    return task.signatures.get(one.row.metric, next(iter(task.signatures.values()), None))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"
