"""The result of a sequential gate, after the last answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lsm_eval.comparison.compare import notes as differences
from lsm_eval.comparison.flips import Flip
from lsm_eval.gating.decide import Decider
from lsm_eval.gating.early.watch import SequentialGate
from lsm_eval.gating.outcome import result_of
from lsm_eval.gating.policy import Inconclusive
from lsm_eval.gating.question import Part, Question
from lsm_eval.gating.result import Answer, Finding, GateResult, LookEvidence, SequentialSummary, TaskProgress
from lsm_eval.gating.run_comparison import RunComparison, SampleTables
from lsm_eval.results.reader import Record
from lsm_eval.statistics.comparison.sequential import SequentialVerdict

_ANSWERS: dict[str, Answer] = {"fail": "fail", "pass": "pass", "undecided": "not enough data"}
_LEAST = 1e-9
"""The smallest error rate for an interval."""
_BIASED = (
    "A task stops early because of what was seen: on average its numbers lie further out than those of all samples, and their own intervals "
    "do not allow for that."
)


@dataclass
class _FinalJudgement:
    """Judges the metrics that are judged once, for a candidate that may not be on disk yet."""

    watch: SequentialGate
    candidate: Record
    tables: SampleTables

    def __post_init__(self) -> None:
        watch = self.watch
        self.held = RunComparison(
            watch.baseline,
            self.candidate,
            watch.policy,
            watch.across,
            watch.aggregates,
            self.tables,
            partial=True,
            own_tables=watch.own,
        )
        self.decider = Decider(watch.baseline, self.candidate, watch.policy, watch.across, watch.aggregates)
        self.decider.tables = self.tables

    def questions(self) -> list[Question | None]:
        """One question for each watched metric that is judged once; None for the others."""
        plan = self.watch.plan
        return [
            self.held.question(one.metric) if plan.task(one.metric.row.task).once is not None else None
            for one in plan.watched
        ]


def conclude(
    watch: SequentialGate,
    candidate: Record,
    tables: SampleTables,
    *,
    inconclusive: Inconclusive | None = None,
) -> GateResult:
    """The result for a candidate with all its answers; its tables need not be on disk. `with_flips` adds the flips once the record is
    written."""
    policy, plan = watch.policy, watch.plan
    whole = _FinalJudgement(watch, candidate, tables)
    once = whole.questions()
    limits = whole.decider.of_limits()
    judged = watch.judged(once, limits)
    findings = [found for one in judged if (found := _finding(one)) is not None]
    findings += whole.decider.shares()
    reasons, notes = _said(watch, judged, whole)
    if not findings and not reasons:
        reasons["The policy gates nothing that these runs have: name metrics in its rules."] = None
    looking = SequentialSummary(watch.looks, plan.looks, [_asked(one.name, watch) for one in plan.tasks])
    return result_of(
        watch.baseline, candidate, policy, findings, reasons, notes, inconclusive, looking=looking
    )


def with_flips(result: GateResult, watch: SequentialGate, candidate: Record, most: int) -> GateResult:
    """The result for the record on disk, with up to `most` changed samples of each metric that does not pass."""
    comparison = RunComparison(
        watch.baseline,
        candidate,
        watch.policy,
        {*watch.across, "stopped"},
        watch.aggregates,
        SampleTables(candidate),
        partial=True,
        own_tables=watch.own,
    )
    wanted = {
        (one.task, one.metric) for one in result.findings if one.kind == "loss" and one.answer != "pass"
    }
    flips: list[Flip] = []
    for one in watch.plan.watched if most else ():
        row = one.metric.row
        if (row.task, row.metric) in wanted and comparison.question(one.metric) is not None:
            flips += comparison.flips(row.task, row.metric, most)
    return replace(result, candidate=candidate, flips=flips)


def _finding(one: SequentialVerdict[Question]) -> Finding | None:
    question = one.evidence
    if question is None:
        return None
    part = Part(max(one.limit_loss, _LEAST), max(one.limit_margin, _LEAST))
    found = question.finding(_ANSWERS[one.outcome], part)
    at = LookEvidence(
        one.look, one.share, question.p_loss, one.limit_loss, question.p_margin, one.limit_margin
    )
    return replace(found, p=question.p_loss, looked_at=at)


def _said(
    watch: SequentialGate, judged: Sequence[SequentialVerdict[Question]], whole: _FinalJudgement
) -> tuple[dict[str, None], dict[str, None]]:
    """Reasons why something is not comparable, and notes; one sentence each."""
    unsettled = {
        own.metric.row.task
        for one, own in zip(judged, watch.plan.watched, strict=False)
        if one.evidence is None
    }
    reasons: dict[str, None] = {}
    notes: dict[str, None] = dict.fromkeys([*_stopped(watch), *watch.plan.notes])
    for name, comparison in watch.held.items():
        if name in unsettled:
            reasons |= comparison.reasons
        notes |= comparison.notes
    reasons |= {**whole.held.reasons, **whole.decider.reasons}
    notes |= {**whole.held.notes, **whole.decider.notes}
    return reasons, notes | dict.fromkeys(differences(watch.baseline, whole.candidate))


def _stopped(watch: SequentialGate) -> list[str]:
    """Notes on the numbers of a run that stopped early, one sentence each."""
    found = [one for task in watch.plan.tasks if (one := _asked(task.name, watch)).asked < one.planned]
    if not found:
        return []
    reasons = "; ".join(
        f"{one.task} at look {one.look} of {watch.plan.looks} ({one.asked:,} of {one.planned:,} samples)"
        for one in found
    )
    return [_BIASED, f"Stopped early: {reasons}."]


def _asked(name: str, watch: SequentialGate) -> TaskProgress:
    task, last = watch.plan.task(name), watch.last(name)
    return TaskProgress(name, sum(map(len, task.slices[:last])), task.planned, last)
