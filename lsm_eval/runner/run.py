"""Asks, scores, records."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from lsm_eval.inference.store import ResponseStore
from lsm_eval.metrics.base import AnyMetric, Measurement
from lsm_eval.metrics.scoring import score_task
from lsm_eval.models.base import Model
from lsm_eval.progress import Phase, Progress
from lsm_eval.requests import Failure, Request, Response, kind
from lsm_eval.results.writer import check_out, write_record
from lsm_eval.runner.execute import Job, Tally, execute
from lsm_eval.runner.execute import prepare as prepare_job
from lsm_eval.runner.prepare import PreparedTask, prepare
from lsm_eval.runner.record import estimate_rows, make_manifest, sample_rows
from lsm_eval.runner.spec import RunSpec
from lsm_eval.statistics.estimate import Estimate

_KINDS = ("score", "perplexity", "generate")


@dataclass(frozen=True)
class ScoredTask:
    """A task with its responses, estimates and per-sample measurements."""

    prepared: PreparedTask
    responses: Sequence[Response]
    estimates: Sequence[tuple[AnyMetric, Estimate]]
    measurements: Sequence[dict[str, Measurement | None]]

    @property
    def failures(self) -> dict[str, int]:
        """Samples without an answer, by reason."""
        return dict(Counter(r.reason for r in self.responses if isinstance(r, Failure)))


@dataclass
class RunResult:
    """What a run left behind."""

    record: Path
    tasks: list[ScoredTask]
    problems: list[str] = field(default_factory=list)
    """What the user must know although the record is whole: the command ends with code 2."""


class _Timed:
    """Progress that also keeps how long each phase took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        start = time.perf_counter()
        try:
            with self._progress.phase(name, total) as phase:
                yield phase
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def note(self, text: str) -> None:
        self._progress.note(text)


def run(spec: RunSpec, model: Model, progress: Progress) -> RunResult:
    """Ask `model` the tasks of `spec` and write the record.

    Answers that the store holds are not asked again; each new one is there before the next batch. Raises
    `UserError` for a mistake of the user's; what was answered by then is kept.
    """
    created = datetime.now(UTC)
    timed = _Timed(progress)
    check_out(spec.out)
    prepared = prepare(spec, model, timed)
    fingerprint = model.fingerprint()
    with ExitStack() as stack:
        store = stack.enter_context(ResponseStore(spec.store, fingerprint)) if spec.store else None
        responses, tallies = _ask(prepared, model, fingerprint, store, timed)
    scored = []
    with timed.phase("metrics", len(responses)) as phase:
        answers = iter(responses)
        for task in prepared:
            own = list(islice(answers, len(task.samples)))
            estimates, measurements = score_task(task.metrics, task.samples, own, seed=spec.seed)
            scored.append(ScoredTask(task, own, estimates, measurements))
            phase.advance(len(task.samples))
    record = _write(spec, model, fingerprint, scored, tallies, timed, created)
    return RunResult(record, scored, _problems(scored))


def _ask(
    prepared: Sequence[PreparedTask],
    model: Model,
    fingerprint: str,
    store: ResponseStore | None,
    progress: Progress,
) -> tuple[list[Response], list[Tally]]:
    """Responses to all samples of all tasks, in order, and the tally of each kind of request."""
    samples = [sample for task in prepared for sample in task.samples]
    costs = [cost.asked for task in prepared for cost in task.costs]
    tokens = dict(zip((s.request for s in samples), costs, strict=True)) if costs else {}
    jobs: list[tuple[str, list[int], Job]] = []
    for name in _KINDS:
        places = [at for at, sample in enumerate(samples) if kind(sample.request) == name]
        if places:
            requests: list[Request] = [samples[at].request for at in places]
            jobs.append((name, places, prepare_job(requests, fingerprint, store)))
    if any(not job.finished for _, _, job in jobs):
        with progress.phase("load model"):
            model.load()
    responses: dict[int, Response] = {}
    tallies: list[Tally] = []
    for name, places, job in jobs:
        with progress.phase(name, len(places)) as phase:
            answers, tally = execute(job, model, store, phase, lambda request: tokens.get(request, 0))
        responses.update(zip(places, answers, strict=True))
        tallies.append(tally)
    return [responses[at] for at in range(len(samples))], tallies


def _write(
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    scored: Sequence[ScoredTask],
    tallies: Sequence[Tally],
    timed: _Timed,
    created: datetime,
) -> Path:
    rows = [
        row
        for task in scored
        for row in estimate_rows(task.prepared, task.estimates, spec, fingerprint=fingerprint)
    ]
    tables = {
        task.prepared.name: sample_rows(task.prepared, task.responses, task.measurements, model)
        for task in scored
    }
    manifest = make_manifest(
        spec,
        model,
        fingerprint,
        [(task.prepared, task.responses, task.failures) for task in scored],
        tallies,
        timed.seconds,
        created,
    )
    with timed.phase("write"):
        return write_record(spec.out, manifest, rows, tables)


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
