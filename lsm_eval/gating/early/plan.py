"""The plan of a sequential gate: which samples are run before each look, which metrics have looks, and which are judged once at the end.

Interim looks are for losses of plain means with a known range (0 to 1, or 0 to 100), whose tests are also valid for few pairs. Other
requirements have no such test at a tenth of the samples, or concern all of them: their task is run completely, and judged once with the whole
error rates.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsm_eval.comparison.aggregates import is_mean
from lsm_eval.comparison.tables import FloatArray, Table
from lsm_eval.errors import NotComparable, UserError
from lsm_eval.gating.early.order import slices
from lsm_eval.gating.early.refuse import (
    by_id_alone,
    check_answered,
    check_comparable,
    check_policy,
    check_tasks,
)
from lsm_eval.gating.early.task import RunTask
from lsm_eval.gating.policy import Limit, Policy
from lsm_eval.gating.rules import GatedMetric, fits, gated_metrics
from lsm_eval.gating.run_comparison import SampleTables
from lsm_eval.results.reader import Record
from lsm_eval.statistics.comparison.sequential import LOOKS

_TOP = {"fraction": 1.0, "points": 100.0}


@dataclass(frozen=True)
class TaskPlan:
    """The samples of one task."""

    name: str
    slices: tuple[tuple[int, ...], ...]
    """Indices of the samples that are new at each look."""
    whole: int
    """Number of samples in a run without a gate."""
    once: str | None
    """Why it is run completely before the first look, and judged once; None if it has looks."""

    @property
    def planned(self) -> int:
        """Number of samples that are run, unless the task ends early."""
        return sum(map(len, self.slices))


@dataclass(frozen=True)
class WatchedMetric:
    """One metric that is compared with the baseline."""

    metric: GatedMetric
    shares: tuple[float, ...]
    """Share of its planned pairs that are in at each look; always 0 if it is judged once."""
    known: NDArray[np.intp]
    """Rows of its planned pairs in the baseline's table [n]."""


@dataclass(frozen=True)
class LookPlan:
    """The plan of a run."""

    tasks: tuple[TaskPlan, ...]
    watched: tuple[WatchedMetric, ...]
    reserved: float
    """Weight of the policy's limits within the false-alarm rate."""
    looks: int
    notes: tuple[str, ...]
    """Notes for the user before the run, one sentence each."""

    def task(self, name: str) -> TaskPlan:
        """The task with this name."""
        return next(one for one in self.tasks if one.name == name)


def plan(
    tasks: Sequence[RunTask],
    baseline: Record,
    own: SampleTables,
    policy: Policy,
    *,
    seed: int,
    across: Collection[str] = (),
    looks: int = LOOKS,
) -> LookPlan:
    """The plan of a run of `tasks` against a baseline, whose tables are `own`. Raises UserError for what is not possible, and
    `NotComparable` if the two cannot be compared."""
    check_policy(policy)
    gated, notes = gated_metrics(policy, baseline.estimates)
    limited = _limited(policy.limits, tasks, baseline)
    check_tasks(gated, limited, tasks, baseline, policy)
    if not gated and not limited:
        raise UserError(
            "the policy gates nothing of these tasks: let a rule name a metric of theirs, or run without --gate."
        )
    check_comparable(gated, tasks, baseline, across)
    planned, watched = [], []
    for task in tasks:
        mine = [one for one in gated if one.row.task == task.name]
        if not mine and task.name not in limited:
            notes.append(f"{task.name}: the policy has no requirement for it, and it is not run.")
            continue
        table = own.of(task.name) if mine else None
        once = _once(mine, task, table, limited=task.name in limited)
        places, rows = _paired(task, table, mine, across, all_of_it=task.name in limited)
        if table is not None:
            check_answered(table, [row for row in rows if row >= 0], policy.not_comparable)
        if once is None:
            own_ids, own_clusters = (
                [task.ids[place] for place in places],
                [task.clusters[place] for place in places],
            )
            cut = slices(own_ids, own_clusters, looks, key=f"{seed}/{task.name}")
            cut = tuple(tuple(places[at] for at in part) for part in cut)
        else:
            cut = (tuple(places), *((),) * (looks - 1))
            notes.append(f"{task.name} is run completely and judged once: {once}.")
        planned.append(TaskPlan(task.name, cut, len(task.ids), once))
        if len(places) < len(task.ids):
            notes.append(
                f"{task.name}: {len(places):,} of {len(task.ids):,} samples are run, those that the baseline has."
            )
        watched += [_watched(one, table, cut, rows, once=once is not None) for one in mine]
    if all(task.once is not None for task in planned):
        looks = 1
        planned = [TaskPlan(one.name, one.slices[:1], one.whole, one.once) for one in planned]
        watched = [WatchedMetric(one.metric, one.shares[:1], one.known) for one in watched]
    return LookPlan(tuple(planned), tuple(watched), sum(limited.values()), looks, tuple(notes))


def _limited(limits: Sequence[Limit], tasks: Sequence[RunTask], baseline: Record) -> dict[str, float]:
    """The weight of the policy's limits, by task. Raises UserError for a limit that matches nothing in the run."""
    found: dict[str, float] = {}
    for limit in limits:
        fitting = list(_fitting(limit, tasks, baseline))
        if not fitting:
            raise UserError(
                f"the policy limits {limit.metric!r} of {limit.task!r}, which no task of this run has: name its task in --tasks, or "
                "correct the limit."
            )
        for task in fitting:
            found[task] = found.get(task, 0.0) + limit.weight
    return found


def _fitting(limit: Limit, tasks: Sequence[RunTask], baseline: Record) -> Iterator[str]:
    """The task of each metric that a limit matches, as far as names are known: metrics that exist only once there are samples are known from
    the baseline, or by the name before their group."""
    base = limit.metric.partition("[")[0]
    for task in tasks:
        if not fits(limit.task, task.name):
            continue
        there = (row.metric for row in baseline.estimates if row.task == task.name)
        known = dict.fromkeys([*task.signatures, *task.judged, *there])
        found = [name for name in known if fits(limit.metric, name)]
        yield from (task.name for _ in found or [name for name in known if fits(base, name)])


def _once(gated: Sequence[GatedMetric], task: RunTask, table: Table | None, *, limited: bool) -> str | None:
    """Why a task is judged once, when all its samples are in; None if it has looks."""
    if limited:
        return "the policy limits the run's own value, which stopping early would bias"
    if any(weight != 1 for weight in task.weights):
        return "its samples have unequal weights"
    for one in gated:
        name = one.row.metric
        if one.fair is not None:
            return f"{name} is gated by its distance from a fair value, for which there is no interim test"
        if name.partition("[")[0] in task.judged:
            return f"{name} needs a judge, which runs after all answers"
        statistics = None if table is None else table.statistics(name)
        if statistics is None or np.isnan(statistics).all():
            return f"the baseline has no sample's score of {name}"
        if table is None or not _between_ends(one, table, statistics):
            return f"{name} is not a mean of values with a known range, and has no interim test"
    return None


def _between_ends(one: GatedMetric, table: Table, statistics: FloatArray) -> bool:
    top = _TOP.get(one.row.unit)
    if top is None or not is_mean(table, one.row.metric, statistics):
        return False
    values = statistics[~np.isnan(statistics[:, 0]), 0]
    return bool(((values >= 0) & (values <= top * (1 + 1e-12))).all())


def _paired(
    task: RunTask,
    table: Table | None,
    gated: Sequence[GatedMetric],
    across: Collection[str],
    *,
    all_of_it: bool,
) -> tuple[list[int], list[int]]:
    """Indices of the samples that are run, and the row of each in the baseline's table, -1 if it has none. Raises `NotComparable` if
    there is no pair."""
    if table is None:
        return list(range(len(task.ids))), [-1] * len(task.ids)
    by_id = any(by_id_alone(one, task, across) for one in gated)
    if not by_id and all(one is None for one in table.asked):
        raise NotComparable(
            f"{task.name}: the baseline is an early record without the hashes of its samples' requests: run it again."
        )
    row_of = {name: row for row, name in enumerate(table.ids)}
    rows = [row_of.get(name, -1) for name in task.ids]
    pairs = [
        row >= 0 and (by_id or table.asked[row] == said) for row, said in zip(rows, task.asked, strict=True)
    ]
    if not any(pairs):
        raise NotComparable(
            f"{task.name}: no sample of this run is one of the baseline's with the same prompt: run both with one task file, "
            "--limit and --seed, or name what is to differ with --across."
        )
    if any(table.weights[rows[place]] != task.weights[place] for place, pair in enumerate(pairs) if pair):
        raise NotComparable(
            f"{task.name}: its samples have different weights in the baseline and in this run: run both with one suite, or neither."
        )
    places = [place for place, pair in enumerate(pairs) if pair or all_of_it]
    return places, [rows[place] if pairs[place] else -1 for place in places]


def _watched(
    one: GatedMetric, table: Table | None, cut: Sequence[Sequence[int]], rows: Sequence[int], *, once: bool
) -> WatchedMetric:
    """A metric with its share of pairs at each look, among the samples that have a value in the baseline."""
    statistics = None if table is None else table.statistics(one.row.metric)
    says = set() if statistics is None else set(np.flatnonzero(~np.isnan(statistics).any(axis=1)).tolist())
    places = sorted(place for part in cut for place in part)
    row_of = dict(zip(places, rows, strict=True))
    known = np.array([row for row in rows if row in says], np.intp)
    counts = np.array([sum(row_of[place] in says for place in part) for part in cut])
    if once or not counts.sum():
        return WatchedMetric(one, (0.0,) * len(cut), known)
    return WatchedMetric(one, tuple((counts.cumsum() / counts.sum()).tolist()), known)
