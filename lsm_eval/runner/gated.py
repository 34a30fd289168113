"""A run that a gate watches: what the gate gets before, during and after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.tables import table_of
from lsm_eval.errors import UserError
from lsm_eval.gating.early.conclude import conclude, with_flips
from lsm_eval.gating.early.decidable import check_decidable
from lsm_eval.gating.early.plan import plan
from lsm_eval.gating.early.rehearse import rehearse
from lsm_eval.gating.early.row import gate_row
from lsm_eval.gating.early.task import RunTask
from lsm_eval.gating.early.watch import SequentialGate
from lsm_eval.gating.policy import Inconclusive, Policy
from lsm_eval.gating.result import GateResult
from lsm_eval.gating.run_comparison import SampleTables
from lsm_eval.metrics.judged import JudgedMetric
from lsm_eval.models.base import Model
from lsm_eval.progress import Progress
from lsm_eval.request_json import requests_hash
from lsm_eval.results.reader import Record, read_record
from lsm_eval.results.schema import EstimateRow, Manifest
from lsm_eval.results.writer import sample_table
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.record import signature
from lsm_eval.runner.spec import RunSpec
from lsm_eval.scoring.task import see_samples


@dataclass(frozen=True)
class GateSpec:
    """The settings of the gate that watches a run."""

    baseline: Record
    policy: Policy
    across: Collection[str] = ()
    """Parts of signatures, beside the model, that may differ."""
    inconclusive: Inconclusive | None = None
    """How not enough data counts, instead of as the policy says."""
    flips: int = 5
    """The most changed samples of each metric that does not pass."""
    include: Sequence[Path] = ()
    """Folders with the task files of the records, if they are not packaged ones."""
    include_code: bool = False
    """Whether Python files in these folders may run."""


@dataclass
class RunningGate:
    """The gate of a run in progress."""

    spec: GateSpec
    watch: SequentialGate
    result: GateResult | None = field(default=None)
    """The result, once the last answer is scored."""
    fault: UserError | None = None
    """Why there is no result."""

    def concluded(
        self,
        manifest: Manifest,
        rows: Sequence[EstimateRow],
        tables: Mapping[str, Mapping[str, list[Any]]],
        created: datetime,
    ) -> Manifest:
        """The manifest with the verdicts; sets `result`. An error that appears only now does not cost the record: it is kept as `fault`."""
        record, sample_tables = in_memory(manifest, rows, tables, created)
        try:
            self.result = conclude(self.watch, record, sample_tables, inconclusive=self.spec.inconclusive)
        except UserError as error:
            self.fault = error
            return manifest
        return manifest.model_copy(update={"gate": gate_row(self.result)})

    def written(self, record: Path) -> None:
        """Completes `result` with the record on disk. Raises UserError if there is no result."""
        if self.fault is not None:
            raise UserError(
                f"{str(self.fault).removesuffix('.')}; the record is in {record}."
            ) from self.fault
        assert self.result is not None
        self.result = with_flips(self.result, self.watch, read_record(record), self.spec.flips)


def plan_gate(
    gate: GateSpec,
    prepared: Sequence[PreparedTask],
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    progress: Progress,
    *,
    judge: bool = False,
) -> RunningGate:
    """The gate for a run of these tasks; reports what the user must know before. `judge`: whether the run has a judge. Raises UserError if
    the run cannot be gated."""
    if spec.perturb:
        raise UserError(
            "--perturb with --gate: a run that may stop early asks each question in one wording; leave out one of the two."
        )
    own = SampleTables(gate.baseline)
    tasks = [_task(task, spec, model, fingerprint, judge=judge) for task in prepared]
    made = plan(tasks, gate.baseline, own, gate.policy, seed=spec.seed, across=gate.across)
    aggregates = Aggregates(gate.include, gate.include_code)
    check_decidable(made, own, gate.policy, aggregates)
    rehearse(made, gate.baseline, own, gate.policy, gate.across, aggregates)
    for note in made.notes:
        progress.note(note)
    return RunningGate(gate, SequentialGate(made, gate.baseline, own, gate.policy, gate.across, aggregates))


def in_memory(
    manifest: Manifest,
    rows: Sequence[EstimateRow],
    tables: Mapping[str, Mapping[str, list[Any]]],
    created: datetime,
) -> tuple[Record, SampleTables]:
    """A record that is not on disk, and its tables."""
    record = Record(Path(), manifest, tuple(rows), created)
    return record, SampleTables(
        record, {task: table_of(record, task, sample_table(columns)) for task, columns in tables.items()}
    )


def _task(task: PreparedTask, spec: RunSpec, model: Model, fingerprint: str, *, judge: bool) -> RunTask:
    judged = [metric.name for metric in task.metrics if isinstance(metric, JudgedMetric)]
    see_samples(task.metrics, task.samples)
    return RunTask(
        task.name,
        [sample.id for sample in task.samples],
        [requests_hash(sample.requests) for sample in task.samples],
        [sample.cluster for sample in task.samples],
        [sample.weight for sample in task.samples],
        {
            metric.name: signature(
                task, metric, spec, fingerprint=fingerprint, likelihood=model.info.likelihood
            )
            for metric in task.metrics
            if judge or metric.name not in judged
        },
        judged if judge else (),
        () if judge else judged,
    )
