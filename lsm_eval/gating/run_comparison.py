"""Comparison of a candidate with one other run: the question for each metric, or why it cannot be answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lsm_eval.comparison import signature
from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.answer_differences import choices_mismatch
from lsm_eval.comparison.difference import Difference, difference
from lsm_eval.comparison.flips import Flip, flips
from lsm_eval.comparison.pairs import Pairs, match
from lsm_eval.comparison.tables import Table, read
from lsm_eval.gating.calibration import CalibrationFile
from lsm_eval.gating.fair import fair_loss
from lsm_eval.gating.loss import Loss
from lsm_eval.gating.outage import FailedSamples
from lsm_eval.gating.policy import Policy
from lsm_eval.gating.question import Question
from lsm_eval.gating.result import Kind
from lsm_eval.gating.rules import GatedMetric
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow


class SampleTables:
    """The sample tables of a candidate, each read once."""

    def __init__(self, record: Record, known: Mapping[str, Table] | None = None) -> None:
        """`known`: tables already in memory, by task, which need not be on disk."""
        self._record = record
        self._read: dict[str, Table] = dict(known or {})

    def of(self, task: str) -> Table | None:
        """The task's table; None if the record has none."""
        if task not in self._read:
            if not self._record.has_samples(task):
                return None
            self._read[task] = read(self._record, task)
        return self._read[task]


@dataclass
class RunComparison:
    """A candidate against another run."""

    other: Record
    candidate: Record
    policy: Policy
    across: Collection[str]
    aggregates: Aggregates
    tables: SampleTables
    kind: Kind = "loss"
    name: str = "baseline"
    """The word for the other run in messages."""
    calibration: CalibrationFile | None = None
    """How much runs of one model differ; this is added to the uncertainty of every difference."""
    partial: bool = False
    """The candidate answers only some of the samples on purpose, so no note is made of the other run's additional samples."""
    reasons: dict[str, None] = field(default_factory=dict)
    """Why metrics cannot be compared: one sentence each."""
    notes: dict[str, None] = field(default_factory=dict)
    own_tables: SampleTables | None = None
    """The other run's sample tables, if they have already been read."""
    _theirs: dict[tuple[str, str], EstimateRow] = field(init=False)
    _pairs: dict[tuple[str, bool], Pairs | None] = field(default_factory=dict)
    _measured: dict[tuple[str, str], tuple[Pairs, Difference, GatedMetric]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.own_tables = self.own_tables or SampleTables(self.other)
        self._theirs = {(row.task, row.metric): row for row in self.candidate.estimates}

    def question(self, gated: GatedMetric) -> Question | None:
        """The question for a metric; None if it cannot be answered, with the cause in `reasons` or `notes`."""
        own = gated.row
        other = self._theirs.get((own.task, own.metric))
        if other is None:
            self._refuse(self._lacking(own))
            return None
        parts = signature.differing(own.signature, other.signature)
        if refused := signature.refused(parts, self.across):
            names = " ".join(f"--across {part.name}" for part in refused)
            self._refuse(
                f"{own.task}: {' and '.join(map(str, refused))} {'differs' if len(refused) == 1 else 'differ'}: run both alike, "
                f"or say with {names} that it is to differ."
            )
            return None
        pairs = self._paired(own.task, by_id=signature.by_id_alone(parts, self.across))
        if pairs is None:
            return None
        if why := self._unjudged(own):
            self._refuse(why)
            return None
        level = 1 - 2 * self.policy.false_pass
        noise = None if self.calibration is None else self.calibration.noise(own)
        if self.calibration is not None and noise is None:
            self.notes[
                f"{own.task}: {own.metric} is not calibrated as it was asked here, and no noise of the engine is added."
            ] = None
        measured = difference(own, pairs, self.aggregates, level, noise=noise)
        if why := self._unscored(own, pairs, measured):
            self._refuse(why)
            return None
        if measured.found is None:
            self._nothing(gated, other, measured.why or "there is nothing to compare")
            return None
        self._measured[own.task, own.metric] = pairs, measured, gated
        margin = gated.margin or 0.0
        if gated.fair is not None:
            return fair_loss(
                own,
                pairs,
                measured,
                fair=gated.fair,
                margin=margin,
                weight=gated.weight,
                false_pass=self.policy.false_pass,
                noise=noise,
            )
        assert gated.higher_is_better is not None
        against = "" if self.kind == "loss" else f" against {self.name}"
        return Loss(own, pairs, measured, gated.higher_is_better, margin, gated.weight, self.kind, against)

    def flips(self, task: str, metric: str, most: int) -> list[Flip]:
        """The samples of a metric that changed."""
        found = self._measured.get((task, metric))
        if found is None or not most:
            return []
        pairs, measured, gated = found
        if measured.scores is None:
            return []
        return flips(0, pairs, metric, *measured.scores, most, higher_is_better=gated.higher_is_better)

    def _refuse(self, why: str) -> None:
        self.reasons[why] = None

    def _lacking(self, own: EstimateRow) -> str:
        if own.task in self.candidate.tasks:
            both = self.other.tasks[own.task], self.candidate.tasks[own.task]
            if why := choices_mismatch(own.task, *both, names=(self.name, "candidate")):
                return why
            return f"{own.task}: the candidate has no {own.metric}: run both with one task file."
        why = next(
            (
                f" ({row.why.removesuffix('.')})"
                for row in self.candidate.manifest.left_out
                if row.task == own.task
            ),
            "",
        )
        return (
            f"{own.task}: the candidate has not run it{why}: run it, or let a rule of the policy ignore it."
        )

    def _unjudged(self, own: EstimateRow) -> str | None:
        """A sentence if a metric cannot be compared because its judge failed too often; else None."""
        most = self.policy.not_comparable.missing
        for record, which in ((self.other, self.name), (self.candidate, "candidate")):
            judge = record.manifest.judge
            for row in judge.metrics if judge else ():
                lost = sum(row.could_not_judge.values())
                if (
                    (row.task, row.metric) == (own.task, own.metric)
                    and lost
                    and lost / max(row.samples, 1) > most
                ):
                    return (
                        f"{own.task}: the judge of the {which} could not judge {lost:,} of {row.samples:,} answers for {own.metric}, "
                        f"and {100 * most:.3g} % may be: run it again."
                    )
        return None

    def _unscored(self, own: EstimateRow, pairs: Pairs, measured: Difference) -> str | None:
        """A sentence if a metric cannot be compared because an imported run has too few scores; else None."""
        lost, both, most = measured.unscored, len(pairs.rows), self.policy.not_comparable.missing
        if not lost or lost / both <= most:
            if lost:
                self.notes[
                    f"{own.task}: {lost:,} samples have no {own.metric} in one run or both, and are in no pair of it."
                ] = None
            return None
        return (
            f"{own.task}: {lost:,} of {both:,} samples have no {own.metric} in one run or both, and {100 * most:.3g} % may: score "
            "them again."
        )

    def _paired(self, task: str, *, by_id: bool) -> Pairs | None:
        """The pairs of a task; None, with the reason noted, if they cannot be compared."""
        if (task, by_id) not in self._pairs:
            self._pairs[task, by_id] = self._match(task, by_id=by_id)
        return self._pairs[task, by_id]

    def _match(self, task: str, *, by_id: bool) -> Pairs | None:
        assert self.own_tables is not None
        first, second = self.own_tables.of(task), self.tables.of(task)
        if first is None or second is None:
            which = "candidate" if second is None else self.name
            self._refuse(f"{task}: the {which} has no samples of its own, only numbers.")
            return None
        found = match(first, second, by_id_alone=by_id)
        losses = FailedSamples(found)
        if why := losses.why_not(self.policy.not_comparable):
            self._refuse(why)
            return None
        for count, what in (
            (found.missing, "failed in one run or both"),
            (0 if self.partial else found.only_first, f"are in the {self.name} alone"),
            (found.only_second, "are in the candidate alone"),
            (found.other_prompt, "have another prompt"),
        ):
            if count:
                self.notes[f"{task}: {count:,} samples {what}, and are in no pair."] = None
        return found

    def _nothing(self, gated: GatedMetric, other: EstimateRow, why: str) -> None:
        own = gated.row
        if own.value is None and other.value is None and not gated.named:
            self.notes[
                f"{own.task}: {own.metric} has no value in either run ({own.method}), and is not gated."
            ] = None
        else:
            self._refuse(f"{own.task}: {own.metric} is not compared, because {why}.")
