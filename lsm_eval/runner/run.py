"""Runs tasks: asks the model, scores the answers, writes the record."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsm_eval.endpoints.cost.paid import Paid
from lsm_eval.inference.store import ResponseStore
from lsm_eval.metrics.joint import SampleResponse
from lsm_eval.models.base import Model, Probing
from lsm_eval.progress import Progress
from lsm_eval.results.redaction import redact
from lsm_eval.results.schema import Manifest
from lsm_eval.results.writer import check_out, clear_leftovers, write_record
from lsm_eval.runner.ask import ask
from lsm_eval.runner.judge import JudgedTasks, judge_answers
from lsm_eval.runner.judge_spec import check_judge, in_judges_words
from lsm_eval.runner.latency import latency_rows, since, times_of
from lsm_eval.runner.left_out import LeftOut, summary
from lsm_eval.runner.manifest import make_manifest
from lsm_eval.runner.prepare import prepare_each
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.record import estimate_rows
from lsm_eval.runner.sample_table import sample_rows
from lsm_eval.runner.scored import ScoredTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.speeds import keep
from lsm_eval.runner.spending import Spending, find_spending
from lsm_eval.runner.store_key import about_store, store_key
from lsm_eval.runner.thoughts import remove_thoughts
from lsm_eval.runner.variant_estimates import with_variant_estimates
from lsm_eval.runner.work import PhaseTimer, RunUsage, computed_since, describe, measure_machine, phases
from lsm_eval.runner.written_choices.read import measured
from lsm_eval.scoring.task import score_task

if TYPE_CHECKING:
    from lsm_eval.gating.result import GateResult
    from lsm_eval.runner.gated import GateSpec, RunningGate
    from lsm_eval.runner.shards.merged import MergedShards


@dataclass
class RunResult:
    """The result of a run."""

    record: Path
    manifest: Manifest
    tasks: list[ScoredTask]
    store: Path | None = None
    """Folder of the response store, if one was used."""
    problems: list[str] = field(default_factory=list)
    """Problems that the user must know although the record is complete; the command then ends with code 2."""
    gate: GateResult | None = None
    """The result of the gate that watched the run, if there was one."""


def run(
    spec: RunSpec,
    model: Model,
    progress: Progress,
    judge: Model | None = None,
    gate: GateSpec | None = None,
    shards: MergedShards | None = None,
) -> RunResult:
    """Ask `model` the tasks of `spec`, have `judge` grade answers for metrics that need it, and write the record. A `gate` watches, and ends
    the run once it has all verdicts. With `shards` nothing is asked: theirs are the answers.

    Answers in the store are not asked again; each new one is stored before the next batch. A task that cannot
    be asked or scored is left out and reported; with `spec.strict` it ends the run. Raises `UserError` for a mistake
    of the user; answers received by then are kept.
    """
    spending = find_spending(spec, model, judge)
    try:
        return _run(spec, model, progress, judge, gate, spending, shards)
    finally:
        spending.close()


def _run(
    spec: RunSpec,
    model: Model,
    progress: Progress,
    judge: Model | None,
    gate: GateSpec | None,
    spending: Spending,
    shards: MergedShards | None,
) -> RunResult:
    created = datetime.now(UTC)
    timed = PhaseTimer(progress)
    check_out(spec.out)
    for left in clear_leftovers(spec.out):
        progress.note(f"removed {left}, which a run that was killed left half-written.")
    if spec.max_cost is not None:  # before a probe sends any request
        with timed.silently("fingerprint"):
            with in_judges_words(spec.judge):
                judged_by = judge.fingerprint() if isinstance(judge, Paid) else None
            spending.open(spec, model.fingerprint(), judged_by)
    if judge is not None:
        with in_judges_words(spec.judge):
            check_judge(judge, spec.judge_read)
    found = prepare_each(spec, model, timed)
    prepared, left_out = found.tasks, found.left_out
    if shards is not None:
        shards.check(found, spec, model)
    with timed.silently("fingerprint"):
        fingerprint = model.fingerprint() if shards is None else shards.fingerprint
    gated = None
    if gate is not None:
        from lsm_eval.runner.gated import plan_gate

        gated = plan_gate(gate, prepared, spec, model, fingerprint, timed, judge=judge is not None)
    if isinstance(model, Probing):
        with timed.silently("probe"):
            model.probe([one for task in prepared for sample in task.samples for one in sample.requests])
    if shards is None:
        prepared, responses, asked = _ask(spec, model, fingerprint, prepared, gated, timed, created)
    else:
        responses, tallies = shards.ask(found, model, timed)
        asked = shards.usage(tallies)
    answers = remove_thoughts(prepared, responses, model, spec.reasoning)
    responses = [response for own in answers.values() for response in own.responses]
    with in_judges_words(spec.judge):
        judging = judge_answers(spec, prepared, responses, model, judge, timed)
    scored = []
    with timed.phase("metrics", len(responses)) as phase:
        for task in judging.tasks:
            own = answers[task.name]
            withhold = spec.redacts(task.loaded.task)
            with left_out.unless(task.name, withhold=withhold):
                estimates, measurements = score_task(
                    task.metrics, task.samples, measured(task, own.responses), seed=spec.seed
                )
                scored.append(ScoredTask(task, own.responses, estimates, measurements, own.part))
            phase.advance(len(task.samples))
    left_out.check(len(scored), timed)
    left_out.say(timed)
    # A variant is compared with its task, so that the task must be there.
    scored = [task for task in scored if task.prepared.base is None or task.prepared.base not in left_out]
    scored = with_variant_estimates(scored, seed=spec.seed)
    record, manifest = _write(
        spec, model, fingerprint, scored, asked, judging, left_out, timed, created, gated, spending, shards
    )
    problems = _problems(scored, left_out)
    return RunResult(record, manifest, scored, spec.store, problems, gated.result if gated else None)


def _ask(
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    prepared: list[PreparedTask],
    gated: RunningGate | None,
    timed: PhaseTimer,
    created: datetime,
) -> tuple[list[PreparedTask], list[SampleResponse], RunUsage]:
    """The tasks with the samples that were asked, the responses to all of these in order, and what the run used."""
    before = dict(model.computed())
    timed_before = {key: len(times) for key, times in times_of(model).items()}
    with ExitStack() as stack:
        stored_as = store_key(model, fingerprint)
        about = about_store(model, fingerprint, spec.name)
        store = stack.enter_context(ResponseStore(spec.store, stored_as, about)) if spec.store else None
        if gated is None:
            responses, tallies = ask(prepared, model, stored_as, store, timed)
        else:
            from lsm_eval.runner.looks import ask_until_verdict

            looked = ask_until_verdict(prepared, gated, spec, model, fingerprint, stored_as, store, timed)
            prepared, responses, tallies = looked.prepared, looked.responses, looked.tallies
    asked = RunUsage(
        tallies,
        computed_since(before, model),
        counted=any(task.costs for task in prepared) and all(task.counts for task in prepared),
        stored=spec.store is not None,
        times=since(timed_before, model),
    )
    if gated is None:  # which knows the tokens of all that it could ask, and asks some of it
        keep(spec, model, prepared, tallies, timed.seconds, created)
    return prepared, responses, measure_machine(asked, model, timed)


def _write(
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    scored: Sequence[ScoredTask],
    asked: RunUsage,
    judging: JudgedTasks,
    left_out: LeftOut,
    timed: PhaseTimer,
    created: datetime,
    gated: RunningGate | None,
    spending: Spending,
    shards: MergedShards | None,
) -> tuple[Path, Manifest]:
    whole: list[Manifest] = []

    def finish(manifest: Manifest) -> Manifest:
        seconds, total = timed.now()
        if shards is not None:
            seconds, total = shards.seconds(seconds, total)
        rows = latency_rows(asked.tallies, asked.times)
        known = {
            "phases": phases(seconds, asked, total),
            "work": describe(asked, total),
            "latency": rows or None,
        }
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
                reasoning=task.reasoning,
            )
        ]
        tables = {task.prepared.name: _table(spec, model, task, judging) for task in scored}
        manifest = make_manifest(
            spec,
            model,
            fingerprint,
            [(task.prepared, task.responses, task.failures) for task in scored],
            asked.tallies,
            created,
            judging,
            left_out.rows,
            cut_off={task.prepared.name: task.cut_off for task in scored},
        ).model_copy(update={"cost": spending.row()})
        if shards is not None:
            manifest = shards.complete(manifest)
        if gated is not None:
            manifest = gated.concluded(manifest, rows, tables, created)
        record = write_record(spec.out, manifest, rows, tables, amend=finish, kept=spec.store is not None)
    if gated is not None:
        gated.written(record)
    return record, whole[-1]


def _table(spec: RunSpec, model: Model, task: ScoredTask, judging: JudgedTasks) -> dict[str, list[Any]]:
    columns = {
        **sample_rows(task.prepared, task.responses, task.measurements, model),
        **judging.columns(task.prepared, task.responses),
    }
    return redact(columns) if spec.redacts(task.prepared.loaded.task) else columns


def _problems(scored: Sequence[ScoredTask], left_out: LeftOut) -> list[str]:
    problems = []
    for task in scored:
        nan = task.failures.get("nan", 0)
        if nan:
            problems.append(
                f"{task.prepared.name}: the model gave NaN for {nan} of {len(task.responses)} samples, which "
                "count as missing; try --dtype float32, or check the checkpoint."
            )
    if left_out.rows:
        problems.append(summary(left_out.rows, len(scored)))
    return problems
