"""Runs one shard: plans the whole run, asks the model the shard's piece, and writes what came back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lsm_eval.errors import UserError
from lsm_eval.inference.store import AnswerStore, ResponseStore
from lsm_eval.metrics.judged import JudgedMetric
from lsm_eval.models.base import Measuring, Model, Probing, Versioned
from lsm_eval.progress import Progress
from lsm_eval.requests import Response, kind
from lsm_eval.results.schema import LeftOutRow
from lsm_eval.results.writer import check_out
from lsm_eval.runner.ask import KINDS, tokens_of
from lsm_eval.runner.batch_times import Stopwatch
from lsm_eval.runner.environment import hardware, versions
from lsm_eval.runner.execute import Job, new_answers
from lsm_eval.runner.execute import prepare as prepare_job
from lsm_eval.runner.latency import since, times_of
from lsm_eval.runner.left_out import LeftOut, summary
from lsm_eval.runner.manifest import details
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.prepare import prepare_each
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.record import signature
from lsm_eval.runner.shards.folder import (
    SCHEMA_VERSION,
    Held,
    ShardManifest,
    ShardPhase,
    ShardTask,
    ShardTimes,
    answer_lines,
    digest,
    write_shard,
)
from lsm_eval.runner.shards.named import Shard
from lsm_eval.runner.shards.piece import piece
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.store_key import about_store, store_key
from lsm_eval.runner.work import PhaseTimer, RunUsage, computed_since, measure_machine
from lsm_eval.secrets import without_secrets


@dataclass
class ShardResult:
    """A shard that was written."""

    folder: Path
    shard: Shard
    answers: int
    """Number of requests in its piece."""
    requests: int
    """Number of requests of the whole run."""
    problems: list[str] = field(default_factory=list)
    """What the user must know although the shard is complete; the command then ends with code 2."""


@dataclass
class _Piece:
    """The shard's part of the requests of one kind."""

    job: Job
    mine: list[int]
    """Indices into `job.unique`, in the order of the work."""
    responses: dict[int, Response] = field(default_factory=dict)
    phase: ShardPhase | None = None

    @property
    def answers(self) -> list[tuple[str, Held]]:
        """The answers by the hash of the request, in the order of the work."""
        return [(self.job.keys[i], Held(self.responses[i], i in self.job.done)) for i in self.mine]


def run_shard(spec: RunSpec, model: Model, progress: Progress, shard: Shard, options: str) -> ShardResult:
    """Ask `model` the shard's piece of the run that `spec` describes, and write the shard's folder in `spec.out`.

    `options`: those of the run, as `--config` reads them. Answers in the store are not asked again; each new one is stored before the next
    batch. Raises `UserError` for what a run refuses, and for models that are asked through a server.
    """
    created = datetime.now(UTC)
    if isinstance(model, Probing | Measuring):
        raise UserError(
            f"--shard is for models that compute in this process, and {model.info.name} is asked through a server: leave it out, and name "
            "several servers with --base-url."
        )
    timed = PhaseTimer(progress)
    check_out(spec.out)
    found = prepare_each(spec, model, timed)
    with timed.silently("fingerprint"):
        fingerprint = model.fingerprint()
    stored_as = store_key(model, fingerprint)
    before = dict(model.computed())
    timed_before = {key: len(times) for key, times in times_of(model).items()}
    with ExitStack() as stack:
        about = about_store(model, fingerprint, spec.name)
        store = stack.enter_context(ResponseStore(spec.store, stored_as, about)) if spec.store else None
        pieces = _ask(found.tasks, model, stored_as, store, timed, shard)
    asked = RunUsage(
        [],
        computed_since(before, model),
        counted=any(task.costs for task in found.tasks) and all(task.counts for task in found.tasks),
        stored=spec.store is not None,
        times=since(timed_before, model),
    )
    asked = measure_machine(asked, model, timed)
    answers = [answer for one in pieces for answer in one.answers]
    lines = answer_lines(answers)
    seconds, whole = timed.now()
    computed = any(not held.stored for _, held in answers)
    manifest = ShardManifest(
        schema_version=SCHEMA_VERSION,
        shard=shard.index,
        of=shard.count,
        created=created.isoformat(),
        command=[without_secrets(part) for part in spec.command],
        fingerprint=fingerprint,
        stored_as=stored_as,
        computed_by=dict(model.versions()) if isinstance(model, Versioned) else {},
        stored=spec.store is not None,
        plan=plan_of([one.job for one in pieces]),
        requests=sum(len(one.job.unique) for one in pieces),
        answers=len(answers),
        answers_sha256=digest(lines),
        options_sha256=digest(options),
        tasks=[shard_task(task, spec, model, fingerprint) for task in found.tasks],
        left_out=left_out_rows(found.left_out),
        model=model_row(
            model.info,
            fingerprint,
            details(model.info, computed=computed),
            name=spec.name,
            spec=without_secrets(spec.model),
        ),
        versions=versions(),
        hardware=hardware(model.info.device),
        seconds=seconds,
        whole=whole,
        counts=dict(asked.counts),
        counted=asked.counted,
        machine=(asked.machine.flops_per_second, asked.machine.bytes_per_second),
        peak=asked.peak,
        device_peak=asked.device_peak,
        phases=[one.phase for one in pieces if one.phase is not None],
        times=[
            ShardTimes(kind=of, measured=what, seconds=list(values))
            for (of, what), values in asked.times.items()
        ],
    )
    folder = write_shard(spec.out, manifest, lines, options)
    problems = [summary(found.left_out.rows, len(found.tasks))] if found.left_out.rows else []
    return ShardResult(folder, shard, len(answers), manifest.requests, problems)


def shard_task(task: PreparedTask, spec: RunSpec, model: Model, fingerprint: str) -> ShardTask:
    """What a shard says of a task, so that shards that ask something else are not merged."""
    likelihood = model.info.likelihood
    return ShardTask(
        task=task.name,
        data=task.data.sha256,
        examples=None if task.examples is None else task.examples.sha256,
        signatures={
            metric.name: signature(task, metric, spec, fingerprint=fingerprint, likelihood=likelihood)
            for metric in task.metrics
            if not isinstance(metric, JudgedMetric)
        },
    )


def plan_of(jobs: Sequence[Job]) -> str:
    """SHA-256 (hex) over the hashes of all requests."""
    return hashlib.sha256("\n".join(job.plan for job in jobs).encode()).hexdigest()


def left_out_rows(left_out: LeftOut) -> list[LeftOutRow]:
    """The tasks that cannot be asked, without secrets in the reasons."""
    return [row.model_copy(update={"why": without_secrets(row.why)}) for row in left_out.rows]


def _ask(
    prepared: Sequence[PreparedTask],
    model: Model,
    stored_as: str,
    store: AnswerStore | None,
    timed: PhaseTimer,
    shard: Shard,
) -> list[_Piece]:
    """The shard's piece of each kind of request, answered. Batches are composed from the requests of the whole run."""
    requests = [request for task in prepared for sample in task.samples for request in sample.requests]
    tokens = tokens_of(prepared)
    pieces = []
    with timed.silently("cut"):
        for name in KINDS:
            own = [request for request in requests if kind(request) == name]
            if own:
                job = prepare_job(own, stored_as, store, model.render)
                pieces.append(_Piece(job, piece(job.unique, model, shard)))
    if any(i not in one.job.done for one in pieces for i in one.mine):
        with timed.phase("load model"):
            model.load()
    for one in pieces:
        job, mine = one.job, set(one.mine)
        name = kind(job.unique[0])
        watch = Stopwatch(model, name)
        one.responses.update((i, job.done[i]) for i in mine & job.done.keys())
        with timed.phase(name, len(mine)) as shown:
            shown.advance(len(one.responses))
            if len(one.responses) < len(mine):
                others = set(range(len(job.unique))) - mine
                for new in new_answers(job, model, store, watch, others):
                    one.responses.update(new)
                    shown.advance(len(new), sum(tokens.get(job.unique[i], 0) for i in new))
        one.phase = ShardPhase(kind=name, seconds=watch.seconds, batches=watch.batches, here=watch.here)
    return pieces
