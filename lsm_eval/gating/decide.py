"""Applies a policy to a candidate and a baseline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsm_eval.comparison import signature
from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.compare import notes as differences
from lsm_eval.comparison.find import find
from lsm_eval.comparison.flips import Flip
from lsm_eval.comparison.record_problem import record_problem
from lsm_eval.comparison.shown.escape import visible
from lsm_eval.errors import UserError
from lsm_eval.gating.calibration import CalibrationFile, about, refusals
from lsm_eval.gating.lacking import uncounted, unmeasured
from lsm_eval.gating.limit import limit_question
from lsm_eval.gating.outcome import result_of
from lsm_eval.gating.policy import Inconclusive, Limit, Policy
from lsm_eval.gating.question import Question, answer_questions
from lsm_eval.gating.record_problems import record_problems
from lsm_eval.gating.result import Finding, GateResult, Kind
from lsm_eval.gating.rules import GatedMetric, default_margin, gated_metrics, ignored, limited
from lsm_eval.gating.run_comparison import RunComparison, SampleTables
from lsm_eval.gating.shares import share_findings
from lsm_eval.gating.speed import other_hardware, speed_question
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow


def gate(
    baseline: Record | None,
    candidate: Record,
    policy: Policy,
    *,
    across: Collection[str] = (),
    inconclusive: Inconclusive | None = None,
    include: Sequence[Path] = (),
    include_code: bool = False,
    most_flips: int = 5,
    calibration: CalibrationFile | None = None,
) -> GateResult:
    """The gate's result for a candidate.

    `across`: parts of signatures, besides the model, that may differ. `inconclusive`: how not enough data is treated, overriding
    the policy. `include`: folders with the task files of the records, if they are not packaged; `include_code`: their Python files may
    run. `most_flips`: largest number of changed samples to report for each metric that does not pass. `calibration`: its noise is added to
    every difference; if it is for another engine or hardware, the records are *not comparable*. So is a record whose numbers do not match its
    samples. Raises UserError if the policy requires what the records cannot answer (a metric that a task lacks, a direction that
    does not exist), if a record is broken, or if there is nothing to test."""
    if baseline is None and not policy.limits and not policy.shares.model_dump(exclude_none=True):
        raise UserError(
            "there is no baseline, and the policy has no limits: name one with --baseline, or give limits."
        )
    if baseline is None and policy.speed:
        raise UserError(
            "the policy limits speed, which is compared with a baseline: name one with --baseline."
        )
    records = [record for record in (baseline, candidate) if record is not None]
    signature.check_across(across, {row.signature: row.signature for one in records for row in one.estimates})
    decider = Decider(baseline, candidate, policy, across, Aggregates(include, include_code), calibration)
    findings = decider.findings()
    if not findings and not decider.reasons:
        decider.reasons["The policy gates nothing that these records have: name metrics in its rules."] = None
    return result_of(
        baseline,
        candidate,
        policy,
        findings,
        decider.reasons,
        decider.notes,
        inconclusive,
        flips=decider.flips(findings, most_flips),
    )


@dataclass
class Decider:
    """Evaluates a policy for one candidate."""

    baseline: Record | None
    candidate: Record
    policy: Policy
    across: Collection[str]
    aggregates: Aggregates
    calibration: CalibrationFile | None = None
    reasons: dict[str, None] = field(default_factory=dict)
    """Why something is not comparable, one sentence for each reason."""
    notes: dict[str, None] = field(default_factory=dict)
    _held: dict[str, RunComparison] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tables = SampleTables(self.candidate)

    def findings(self) -> list[Finding]:
        """All answers, judged together; everything else is in `reasons` and `notes`. Empty if a record is inconsistent."""
        if not self._usable():
            return []
        questions: list[Question] = []
        if self.baseline is not None:
            questions += self._against_baseline(self.baseline)
        else:
            self.notes["There is no baseline: limits and shares alone are judged."] = None
        questions += self.of_limits()
        if self.baseline is not None:
            questions += self._of_speed(self.baseline)
        found = answer_questions(questions, self.policy) if questions else []
        return [*found, *self.shares()]

    def flips(self, findings: Sequence[Finding], most: int) -> list[Flip]:
        """Changed samples of the metrics that do not pass."""
        comparison = self._held.get("")
        wanted = [one for one in findings if one.kind == "loss" and one.answer != "pass"]
        return (
            []
            if comparison is None
            else [flip for one in wanted for flip in comparison.flips(one.task, one.metric, most)]
        )

    def _usable(self) -> bool:
        """Whether anything can be concluded from the records; if not, `reasons` says why."""
        self.reasons |= dict.fromkeys(record_problems(self.baseline, self.candidate, self.policy))
        if self.calibration is not None and not self.reasons:
            known = [
                (one, which)
                for one, which in ((self.baseline, "baseline"), (self.candidate, "candidate"))
                if one
            ]
            self.reasons |= dict.fromkeys(refusals(self.calibration, known))
            self.notes[about(self.calibration, [one for one, _ in known])] = None
        return not self.reasons

    def _against_baseline(self, baseline: Record) -> list[Question]:
        comparison = self._hold("", baseline)
        gated, notes = gated_metrics(self.policy, baseline.estimates)
        self.notes |= dict.fromkeys(notes)
        found = [comparison.question(one) for one in gated]
        self._take(comparison)
        if baseline.manifest.run == self.candidate.manifest.run and (
            baseline.manifest.model.fingerprint == self.candidate.manifest.model.fingerprint
        ):
            self.notes["Baseline and candidate are one and the same run: nothing was tested."] = None
        if more := sorted(set(self.candidate.tasks) - set(baseline.tasks)):
            self.notes[f"Only the candidate has {', '.join(more)}."] = None
        self.notes |= dict.fromkeys(differences(baseline, self.candidate))
        return [one for one in found if one is not None]

    def of_limits(self) -> list[Question]:
        """The questions of the policy's limits."""
        found: list[Question | None] = []
        for limit, row in limited(self.policy.limits, self.candidate.estimates):
            if row is None:
                self.reasons[
                    f"The policy limits {visible(limit.metric)} of {visible(limit.task)}, which the candidate lacks: run it."
                ] = None
            elif limit.reference is not None:
                found.append(self._against_reference(limit, limit.reference, row))
            else:
                found.append(self._of_limit(limit, row))
        self.reasons |= dict.fromkeys(unmeasured(self.policy, self.candidate.manifest))
        return [one for one in found if one is not None]

    def _of_limit(self, limit: Limit, row: EstimateRow) -> Question | None:
        most = self.policy.not_comparable.missing
        asked_for = (row.n or 0) + row.missing
        if row.missing and row.missing / asked_for > most:
            self.reasons[
                f"{row.task}: {row.missing:,} of {asked_for:,} samples have no {row.metric}, and "
                f"{100 * most:.3g} % may: run them again."
            ] = None
            return None
        table = self.tables.of(row.task)
        if table is None:
            self.notes[
                f"{row.task}: the candidate has no samples of its own, so that its numbers are not counted again."
            ] = None
        at_most = limit.at_most is not None
        value = limit.at_most if limit.at_most is not None else limit.at_least
        assert value is not None
        return limit_question(
            row,
            table,
            value,
            at_most=at_most,
            aggregates=self.aggregates,
            weight=limit.weight,
            false_pass=self.policy.false_pass,
        )

    def _against_reference(self, limit: Limit, reference: str, row: EstimateRow) -> Question | None:
        comparison = self._held.get(reference) or self._hold(reference, find(reference))
        own = next(
            (one for one in comparison.other.estimates if (one.task, one.metric) == (row.task, row.metric)),
            None,
        )
        if own is None:
            self.reasons[f"{row.task}: the reference {visible(reference)} has no {row.metric}."] = None
            return None
        which = f"reference {visible(reference)}"
        if why := record_problem(comparison.other, which, [row.task]):
            self.reasons[why] = None
            return None
        if self.calibration is not None and (
            found := refusals(self.calibration, [(comparison.other, which)])
        ):
            self.reasons |= dict.fromkeys(found)
            return None
        if own.higher_is_better is None:
            raise UserError(
                f"the policy holds {row.metric} of {row.task} against a reference, and neither of its directions is better: "
                "give at_most or at_least."
            )
        margin = limit.margin if limit.margin is not None else default_margin(self.policy, own)
        question = comparison.question(
            GatedMetric(own, margin, own.higher_is_better, None, limit.weight, named=True)
        )
        self._take(comparison)
        return question

    def _of_speed(self, baseline: Record) -> list[Question]:
        if self.policy.speed and (why := other_hardware(baseline, self.candidate)):
            self.reasons[why] = None
            return []
        return [speed_question(one, baseline, self.candidate) for one in self.policy.speed]

    def shares(self) -> list[Finding]:
        """The findings on shares of failed or truncated samples."""
        if not self.policy.shares.model_dump(exclude_none=True):
            return []
        tables = {
            task: self.tables.of(task) for task in self.candidate.tasks if not ignored(self.policy, task)
        }
        self.reasons |= dict.fromkeys(uncounted(self.policy, self.candidate.manifest, tables))
        return [
            one
            for table in tables.values()
            if table is not None
            for one in share_findings(table, self.policy.shares)
        ]

    def _hold(self, key: str, other: Record) -> RunComparison:
        kind: Kind = "limit" if key else "loss"
        name = visible(key) or "baseline"
        self._held[key] = RunComparison(
            other,
            self.candidate,
            self.policy,
            self.across,
            self.aggregates,
            self.tables,
            kind,
            name,
            self.calibration,
        )
        return self._held[key]

    def _take(self, comparison: RunComparison) -> None:
        self.reasons |= comparison.reasons
        self.notes |= comparison.notes
