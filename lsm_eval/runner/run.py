"""Asks, scores, records."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from lsm_eval.inference.store import ResponseStore
from lsm_eval.metrics.scoring import score_task
from lsm_eval.models.base import Model
from lsm_eval.progress import Progress
from lsm_eval.results.redaction import redact
from lsm_eval.results.schema import Manifest
from lsm_eval.results.writer import check_out, write_record
from lsm_eval.runner.ask import ask
from lsm_eval.runner.compared import compared
from lsm_eval.runner.judge import Bench, judge_answers
from lsm_eval.runner.prepare import prepare
from lsm_eval.runner.record import estimate_rows, make_manifest, sample_rows
from lsm_eval.runner.scored import ScoredTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.store_key import store_key
from lsm_eval.runner.work import Asked, Timed, computed_since, describe, look_around, phases


@dataclass
class RunResult:
    """What a run left behind."""

    record: Path
    manifest: Manifest
    tasks: list[ScoredTask]
    store: Path | None = None
    """Folder of the response store, where one was used."""
    problems: list[str] = field(default_factory=list)
    """What the user must know although the record is whole: the command ends with code 2."""


def run(spec: RunSpec, model: Model, progress: Progress, judge: Model | None = None) -> RunResult:
    """Ask `model` the tasks of `spec`, and `judge` what their metrics want judged, and write the record.

    Answers that the store holds are not asked again; each new one is there before the next batch. Raises
    `UserError` for a mistake of the user's; what was answered by then is kept.
    """
    created = datetime.now(UTC)
    timed = Timed(progress)
    check_out(spec.out)
    prepared = prepare(spec, model, timed)
    with timed.silently("fingerprint"):
        fingerprint = model.fingerprint()
    before = dict(model.computed())
    with ExitStack() as stack:
        stored_as = store_key(model, fingerprint)
        store = stack.enter_context(ResponseStore(spec.store, stored_as)) if spec.store else None
        responses, tallies = ask(prepared, model, stored_as, store, timed)
    asked = Asked(
        tallies,
        computed_since(before, model),
        counted=any(task.costs for task in prepared),
        stored=spec.store is not None,
    )
    asked = look_around(asked, model, timed)
    bench = judge_answers(spec, prepared, responses, model, judge, timed)
    scored = []
    with timed.phase("metrics", len(responses)) as phase:
        answers = iter(responses)
        for task in bench.tasks:
            own = list(islice(answers, len(task.samples)))
            estimates, measurements = score_task(task.metrics, task.samples, own, seed=spec.seed)
            scored.append(ScoredTask(task, own, estimates, measurements))
            phase.advance(len(task.samples))
    scored = compared(scored, seed=spec.seed)
    record, manifest = _write(spec, model, fingerprint, scored, asked, bench, timed, created)
    return RunResult(record, manifest, scored, spec.store, _problems(scored))


def _write(
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    scored: Sequence[ScoredTask],
    asked: Asked,
    bench: Bench,
    timed: Timed,
    created: datetime,
) -> tuple[Path, Manifest]:
    whole: list[Manifest] = []

    def finish(manifest: Manifest) -> Manifest:
        seconds, total = timed.now()
        known = {"phases": phases(seconds, asked, total), "work": describe(asked, total)}
        whole.append(manifest.model_copy(update=known))
        return whole[-1]

    with timed.phase("write"):
        rows = [
            row
            for task in scored
            for row in estimate_rows(
                task.prepared,
                task.estimates,
                spec,
                fingerprint=fingerprint,
                likelihood=model.info.likelihood,
            )
        ]
        tables = {task.prepared.name: _table(spec, model, task, bench) for task in scored}
        manifest = make_manifest(
            spec,
            model,
            fingerprint,
            [(task.prepared, task.responses, task.failures) for task in scored],
            asked.tallies,
            created,
            bench,
        )
        record = write_record(spec.out, manifest, rows, tables, amend=finish)
    return record, whole[-1]


def _table(spec: RunSpec, model: Model, task: ScoredTask, bench: Bench) -> dict[str, list[Any]]:
    columns = {
        **sample_rows(task.prepared, task.responses, task.measurements, model),
        **bench.columns(task.prepared, task.responses),
    }
    return redact(columns) if spec.redacts(sensitive=task.prepared.loaded.task.sensitive) else columns


def _problems(scored: Sequence[ScoredTask]) -> list[str]:
    problems = []
    for task in scored:
        nan = task.failures.get("nan", 0)
        if nan:
            problems.append(
                f"{task.prepared.name}: the model gave NaN for {nan} of {len(task.responses)} samples, which "
                "count as missing; try --dtype float32, or check the checkpoint."
            )
    return problems
