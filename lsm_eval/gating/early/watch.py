"""Judges a run look by look, and decides which samples to run before the next look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.pairs import match
from lsm_eval.gating.early.plan import LookPlan, WatchedMetric
from lsm_eval.gating.loss import Loss
from lsm_eval.gating.outage import FailedSamples, cut
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.question import Question
from lsm_eval.gating.run_comparison import RunComparison, SampleTables
from lsm_eval.results.reader import Record
from lsm_eval.statistics.comparison.score import Score
from lsm_eval.statistics.comparison.sequential import Look, SequentialVerdict, sequential


@dataclass
class SequentialGate:
    """The looks of one run so far.

    A task continues until all of its metrics have a verdict, or none can be reached; the run continues until no task is open. A verdict
    is final. Failed samples are in no pair, and if too many have failed at a look, it does not judge their task."""

    plan: LookPlan
    baseline: Record
    own: SampleTables
    """The baseline's tables."""
    policy: Policy
    across: Collection[str]
    aggregates: Aggregates
    _seen: list[Look[Question]] = field(default_factory=list)
    """Past looks at the watched metrics."""
    _unjudged: set[int] = field(default_factory=set)
    """Indices of watched metrics that could not be judged at the last look with new pairs of theirs."""
    held: dict[str, RunComparison] = field(default_factory=dict)
    """By task, the comparison at its last look."""
    _ended: dict[str, int] = field(default_factory=dict)
    """By task, the look after which it is no longer run."""

    @property
    def looks(self) -> int:
        """Number of looks so far."""
        return len(self._seen)

    def due(self) -> dict[str, tuple[int, ...]]:
        """Indices of the samples to run before the next look, by task; empty if the run is over."""
        while self.looks < self.plan.looks:
            new = {
                task.name: part
                for task in self.plan.tasks
                if task.name not in self._ended and (part := task.slices[self.looks])
            }
            if new:
                return new
            if not self.open:
                return {}
            self._seen.append(self._look({}))  # the next cluster is larger than a look
        return {}

    @property
    def open(self) -> list[str]:
        """Tasks that still have samples to run for a verdict."""
        return [
            task.name
            for task in self.plan.tasks
            if task.name not in self._ended and any(task.slices[self.looks :])
        ]

    def see(self, candidate: Record, tables: SampleTables) -> tuple[SequentialVerdict[Question], ...]:
        """One look: `candidate` has the answers so far of the tasks with looks. Returns the verdicts, one for each watched metric."""
        running = {
            task.name for task in self.plan.tasks if task.name not in self._ended and task.once is None
        }
        for name in running:
            self.held[name] = self._hold(candidate, tables)
        self._seen.append(self._look({name: self.held[name] for name in running}))
        found = self.settled()
        for name in running:
            mine = [one for one, own in zip(found, self.plan.watched, strict=True) if _task(own) == name]
            left = any(self.plan.task(name).slices[self.looks :])
            if not left or all(one.outcome != "undecided" for one in mine) or self._lost(name, tables):
                self._ended[name] = self.looks
        for task in self.plan.tasks:
            if task.once is not None:
                self._ended.setdefault(task.name, self.looks)
        return found

    def last(self, task: str) -> int:
        """The last look for which samples of a task were run, from 1."""
        return self._ended.get(task, self.looks)

    def settled(self) -> tuple[SequentialVerdict[Question], ...]:
        """The verdicts so far, one for each watched metric."""
        return self.judged([])[: len(self.plan.watched)]

    def judged(
        self, last: Sequence[Question | None], limits: Sequence[Question] = ()
    ) -> tuple[SequentialVerdict[Question], ...]:
        """All verdicts: `last` has the questions of the watched metrics that are judged once, None for the others; `limits` those of the
        policy's limits, which share the part of the false-alarm rate that the plan reserves for them."""
        more: tuple[None, ...] = (None,) * max(len(limits), 1)
        weights = [one.weight for one in limits] or [1.0]
        scale = self.plan.reserved / sum(weights)
        looks: list[Look[Question]] = []
        for at, look in enumerate(self._seen):
            shares, evidence = list(_shares(look)), [*look.evidence, *more]
            end = [0.0] * len(more)
            if at == self.looks - 1:
                for place, question in enumerate(last):
                    if question is not None:
                        shares[place], evidence[place] = 1.0, question
                if limits:
                    end, evidence[len(shares) :] = [1.0] * len(limits), list(limits)
            looks.append(Look((*shares, *end), tuple(evidence)))
        if not self.plan.reserved:
            count = len(self.plan.watched)
            looks = [Look(_shares(look)[:count], look.evidence[:count]) for look in looks]
            weights = []
        found = sequential(
            looks,
            false_alarm=self.policy.false_alarm,
            false_pass=self.policy.false_pass,
            weights=[*(one.metric.weight for one in self.plan.watched), *(scale * one for one in weights)],
        )
        # Evidence from before an outage does not count as a result.
        return tuple(
            replace(one, evidence=None) if one.outcome == "undecided" and place in self._unjudged else one
            for place, one in enumerate(found)
        )

    def _look(self, comparisons: dict[str, RunComparison]) -> Look[Question]:
        before = _shares(self._seen[-1]) if self._seen else (0.0,) * len(self.plan.watched)
        shares: list[float] = []
        evidence: list[Question | None] = []
        for place, (one, own) in enumerate(zip(self.plan.watched, before, strict=True)):
            share, found = own, None
            if _task(one) in comparisons and one.shares[self.looks] > own:
                found = _question(comparisons[_task(one)], one, last=one.shares[self.looks] >= 1)
                self._unjudged.discard(place)
                if found is None:
                    # Its share is kept, so that the next look tests these pairs again, even if they were its last.
                    self._unjudged.add(place)
                else:
                    share = one.shares[self.looks]
            shares.append(share)
            evidence.append(found)
        return Look(tuple(shares), tuple(evidence))

    def _hold(self, candidate: Record, tables: SampleTables) -> RunComparison:
        return RunComparison(
            self.baseline,
            candidate,
            self.policy,
            self.across,
            self.aggregates,
            tables,
            partial=True,
            own_tables=self.own,
        )

    def _lost(self, name: str, tables: SampleTables) -> bool:
        """Whether so many samples have failed, or so many more answers are truncated than in the baseline, that the runs cannot be comparable
        any more."""
        first, second = self.own.of(name), tables.of(name)
        if first is None or second is None:
            return False
        limits, planned = self.policy.not_comparable, self.plan.task(name).planned
        return (
            FailedSamples(match(first, second)).lost > limits.missing * planned
            or sum(cut(second)) - sum(cut(first)) > limits.truncated * planned
        )


def _question(comparison: RunComparison, one: WatchedMetric, *, last: bool) -> Question | None:
    found = comparison.question(one.metric)
    if not last and isinstance(found, Loss) and not isinstance(found.found.statistic, Score):
        return None  # values out of range, or too few pairs: no test that is valid for few pairs
    return found


def _task(one: WatchedMetric) -> str:
    return one.metric.row.task


def _shares(look: Look[Question]) -> tuple[float, ...]:
    assert not isinstance(look.share, (int, float))
    return tuple(look.share)
