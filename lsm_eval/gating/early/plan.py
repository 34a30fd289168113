"""What is asked before each look, what each look can settle, and what is judged once, when all of its task is in.

Looks on the way are for losses of plain means between known ends (0 and 1, or 0 and 100), whose tests hold for few pairs too. What else a policy
asks has no such test at a tenth of the samples, or is about all of them: its task is asked whole, and judged once with its whole error rates.
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
from lsm_eval.gating.held import Tables
from lsm_eval.gating.policy import Limit, Policy
from lsm_eval.gating.rules import Asked, asked, fits
from lsm_eval.results.reader import Record
from lsm_eval.statistics.comparison.sequential import LOOKS

_TOP = {"fraction": 1.0, "points": 100.0}


@dataclass(frozen=True)
class TaskPlan:
    """The samples of one task."""

    name: str
    slices: tuple[tuple[int, ...], ...]
    """Places of the samples that are new at each look."""
    whole: int
    """Samples that the task would be asked without a gate."""
    once: str | None
    """Why it is asked whole before the first look, and judged once; None where it is looked at."""

    @property
    def planned(self) -> int:
        """Samples that are asked, if nothing ends it before."""
        return sum(map(len, self.slices))


@dataclass(frozen=True)
class Watched:
    """One metric that is held against the baseline."""

    asked: Asked
    shares: tuple[float, ...]
    """Of its planned pairs that are in at each look; 0 throughout where it is judged once."""
    known: NDArray[np.intp]
    """Rows of the baseline's table that its planned pairs have [n]."""


@dataclass(frozen=True)
class LookPlan:
    """All of a run."""

    tasks: tuple[TaskPlan, ...]
    watched: tuple[Watched, ...]
    reserved: float
    """Weight of the policy's limits among the false alarms."""
    looks: int
    notes: tuple[str, ...]
    """What a user should know before, a sentence each."""

    def task(self, name: str) -> TaskPlan:
        """By its name."""
        return next(one for one in self.tasks if one.name == name)


def plan(
    tasks: Sequence[RunTask],
    baseline: Record,
    own: Tables,
    policy: Policy,
    *,
    seed: int,
    across: Collection[str] = (),
    looks: int = LOOKS,
) -> LookPlan:
    """The plan of a run of `tasks` against a baseline, whose tables are `own`. Raises UserError for what cannot be done, in one sentence, and
    `NotComparable` where the two cannot be held against each other."""
    check_policy(policy)
    gated, notes = asked(policy, baseline.estimates)
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
            notes.append(f"{task.name}: the policy asks nothing of it, and it is not asked.")
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
            notes.append(f"{task.name} is asked whole and judged once: {once}.")
        planned.append(TaskPlan(task.name, cut, len(task.ids), once))
        if len(places) < len(task.ids):
            notes.append(
                f"{task.name}: {len(places):,} of {len(task.ids):,} samples are asked, those that the baseline has."
            )
        watched += [_watched(one, table, cut, rows, once=once is not None) for one in mine]
    if all(task.once is not None for task in planned):
        looks = 1
        planned = [TaskPlan(one.name, one.slices[:1], one.whole, one.once) for one in planned]
        watched = [Watched(one.asked, one.shares[:1], one.known) for one in watched]
    return LookPlan(tuple(planned), tuple(watched), sum(limited.values()), looks, tuple(notes))


def _limited(limits: Sequence[Limit], tasks: Sequence[RunTask], baseline: Record) -> dict[str, float]:
    """The weight of the policy's limits, by task. Raises UserError for a limit that fits nothing of the run."""
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
    """The task of each metric that a limit fits, as far as metrics are known by name: those that only come to light with the samples from
    the baseline, or by the name that their group's begins with."""
    base = limit.metric.partition("[")[0]
    for task in tasks:
        if not fits(limit.task, task.name):
            continue
        there = (row.metric for row in baseline.estimates if row.task == task.name)
        known = dict.fromkeys([*task.signatures, *task.judged, *there])
        found = [name for name in known if fits(limit.metric, name)]
        yield from (task.name for _ in found or [name for name in known if fits(base, name)])


def _once(gated: Sequence[Asked], task: RunTask, table: Table | None, *, limited: bool) -> str | None:
    """Why a task is judged once, when all of it is in."""
    if limited:
        return "the policy limits the value of its own run, which stopping early would push aside"
    if any(weight != 1 for weight in task.weights):
        return "its samples stand for unlike numbers of others"
    for one in gated:
        name = one.row.metric
        if one.fair is not None:
            return f"{name} is gated by its distance from a fair value, for which there is no test on the way"
        if name.partition("[")[0] in task.judged:
            return f"{name} asks a judge, who is asked when all answers are there"
        held = None if table is None else table.statistics(name)
        if held is None or np.isnan(held).all():
            return f"the baseline has no sample's score of {name}"
        if table is None or not _between_ends(one, table, held):
            return f"{name} is no mean of values between ends that are known, and has no test on the way"
    return None


def _between_ends(one: Asked, table: Table, held: FloatArray) -> bool:
    top = _TOP.get(one.row.unit)
    if top is None or not is_mean(table, one.row.metric, held):
        return False
    values = held[~np.isnan(held[:, 0]), 0]
    return bool(((values >= 0) & (values <= top * (1 + 1e-12))).all())


def _paired(
    task: RunTask, table: Table | None, gated: Sequence[Asked], across: Collection[str], *, all_of_it: bool
) -> tuple[list[int], list[int]]:
    """Places of the samples that are asked, and the row of each in the baseline's table, -1 where it has none. Raises `NotComparable` where
    there is no pair."""
    if table is None:
        return list(range(len(task.ids))), [-1] * len(task.ids)
    by_id = any(by_id_alone(one, task, across) for one in gated)
    if not by_id and all(one is None for one in table.asked):
        raise NotComparable(
            f"{task.name}: the baseline is an early record that does not say what its samples ask: run it again."
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
            f"{task.name}: its samples stand for unlike numbers of others in the baseline and in this run: ask both by one suite, or neither."
        )
    places = [place for place, pair in enumerate(pairs) if pair or all_of_it]
    return places, [rows[place] if pairs[place] else -1 for place in places]


def _watched(
    one: Asked, table: Table | None, cut: Sequence[Sequence[int]], rows: Sequence[int], *, once: bool
) -> Watched:
    """A metric with the shares of its pairs that each look has: of samples that say something of it in the baseline."""
    held = None if table is None else table.statistics(one.row.metric)
    says = set() if held is None else set(np.flatnonzero(~np.isnan(held).any(axis=1)).tolist())
    places = sorted(place for part in cut for place in part)
    row_of = dict(zip(places, rows, strict=True))
    known = np.array([row for row in rows if row in says], np.intp)
    counts = np.array([sum(row_of[place] in says for place in part) for part in cut])
    if once or not counts.sum():
        return Watched(one, (0.0,) * len(cut), known)
    return Watched(one, tuple((counts.cumsum() / counts.sum()).tolist()), known)
