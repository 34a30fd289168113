"""Asks the samples part by part, and passes the answers to a gate after each part, until it has all verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lsm_eval.gating.early.watch import SequentialGate
from lsm_eval.gating.early.words import look_line
from lsm_eval.inference.store import ResponseStore
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.metrics.judged import JudgedMetric
from lsm_eval.metrics.protocols import HasMoreMetrics
from lsm_eval.models.base import Model
from lsm_eval.progress import Progress
from lsm_eval.request_json import requests_hash
from lsm_eval.requests import Failure, Generated, Scored
from lsm_eval.results.gate_rows import GatedTaskRow
from lsm_eval.results.schema import EstimateRow
from lsm_eval.runner.ask import ask
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.gated import RunningGate, in_memory
from lsm_eval.runner.judge import JudgedTasks
from lsm_eval.runner.manifest import make_manifest
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.record import estimate_rows
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.thoughts import remove_thoughts
from lsm_eval.runner.written_choices.read import measured
from lsm_eval.scoring.task import score_task


@dataclass
class GatedAnswers:
    """The answers that the gate needed for its verdicts."""

    prepared: list[PreparedTask]
    """Tasks with the samples that were asked, in the order of their data."""
    responses: list[SampleResponse]
    """The responses to all samples of all tasks, in order."""
    tallies: list[Tally]


@dataclass
class _Progress:
    """The answers so far, by task and by the sample's index."""

    tasks: Mapping[str, PreparedTask]
    spec: RunSpec
    model: Model
    fingerprint: str
    watch: SequentialGate
    answers: dict[str, dict[int, SampleResponse]] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)

    def so_far(self, name: str) -> tuple[PreparedTask, list[SampleResponse]]:
        """A task with the samples that were asked, and the responses."""
        found = self.answers[name]
        places = sorted(found)
        return part(self.tasks[name], places), [found[place] for place in places]

    def seen(self) -> tuple[list[EstimateRow], dict[str, dict[str, list[Any]]]]:
        """Numbers and tables of the tasks that have looks."""
        rows: list[EstimateRow] = []
        tables: dict[str, dict[str, list[Any]]] = {}
        for name in self.answers:
            if self.watch.plan.task(name).once is None:
                task, responses = self.so_far(name)
                own = remove_thoughts([task], responses, self.model, self.spec.reasoning)[name]
                task = replace(task, metrics=self._looked_at(task))
                estimates, measurements = score_task(
                    task.metrics, task.samples, measured(task, own.responses), seed=self.spec.seed
                )
                rows += estimate_rows(
                    task,
                    estimates,
                    self.spec,
                    fingerprint=self.fingerprint,
                    likelihood=self.model.info.likelihood,
                    reasoning=own.part,
                )
                names = [metric.name for metric, _ in estimates]
                tables[name] = _columns(task, own.responses) | {
                    f"stats.{metric}": [
                        list(measurement.statistics) if (measurement := row.get(metric)) else None
                        for row in measurements
                    ]
                    for metric in names
                }
        return rows, tables

    def _looked_at(self, task: PreparedTask) -> tuple[AnyMetric, ...]:
        """The metrics that the gate needs, and those that produce them from the answers (groups, several k)."""
        wanted = {
            one.metric.row.metric for one in self.watch.plan.watched if one.metric.row.task == task.name
        }
        # A judge is asked once all answers are there; tasks with gated metrics of a judge have no looks.
        metrics = [metric for metric in task.metrics if not isinstance(metric, JudgedMetric)]
        hidden = not wanted <= {metric.name for metric in metrics}
        return tuple(
            metric
            for metric in metrics
            if metric.name in wanted or (hidden and isinstance(metric, HasMoreMetrics))
        )


def ask_until_verdict(
    prepared: Sequence[PreparedTask],
    gated: RunningGate,
    spec: RunSpec,
    model: Model,
    fingerprint: str,
    stored_as: str,
    store: ResponseStore | None,
    progress: Progress,
) -> GatedAnswers:
    """Ask the model the samples of each look until the gate has all verdicts or all samples were asked. The model is loaded once. Answers in
    the store are not asked again, so that an interrupted run makes the same looks when it is repeated."""
    watch = gated.watch
    asking = _Progress({task.name: task for task in prepared}, spec, model, fingerprint, watch)
    empty: list[tuple[PreparedTask, list[SampleResponse], dict[str, int]]] = [
        (replace(task, samples=()), [], {}) for task in prepared
    ]
    manifest = make_manifest(spec, model, fingerprint, empty, [], datetime.now(UTC), JudgedTasks([]))
    loaded = False
    while due := watch.due():
        batch = [part(asking.tasks[name], places) for name, places in due.items()]
        responses, tallies = ask(batch, model, stored_as, store, progress, loaded=loaded)
        loaded = loaded or any(tally.computed for tally in tallies)
        left = iter(responses)
        for name, places in due.items():
            asking.answers.setdefault(name, {}).update((place, next(left)) for place in places)
        asking.tallies += tallies
        before = watch.settled() if watch.looks else ()
        rows, tables = asking.seen()
        found = watch.see(*in_memory(manifest, rows, tables, datetime.now(UTC)))
        progress.note(look_line(watch, before, found))
    tasks, answers = [], []
    for one in watch.plan.tasks:
        task, own = asking.so_far(one.name)
        row = GatedTaskRow(
            look=watch.last(one.name), looks=watch.plan.looks, planned=one.planned, whole=one.whole
        )
        tasks.append(replace(task, gate=row))
        answers += own
    return GatedAnswers(tasks, answers, asking.tallies)


def part(task: PreparedTask, places: Sequence[int]) -> PreparedTask:
    """The task with these of its samples."""
    starts = [0]
    for sample in task.samples:
        starts.append(starts[-1] + len(sample.requests))
    return replace(
        task,
        samples=tuple(task.samples[at] for at in places),
        costs=tuple(task.costs[at] for at in places) if task.costs else (),
        tokens=tuple(count for at in places for count in task.tokens[starts[at] : starts[at + 1]])
        if task.tokens
        else (),
    )


def _columns(task: PreparedTask, responses: Sequence[SampleResponse]) -> dict[str, list[Any]]:
    """The columns of a sample table that a gate reads, beside the metrics' statistics."""
    first = [parts(whole)[0] for whole in responses]
    failed = [one if isinstance(one, Failure) else None for one in first]
    written = [one.written if isinstance(one, Failure) and one.written else one for one in first]
    return {
        "sample": [sample.id for sample in task.samples],
        "cluster": [sample.cluster for sample in task.samples],
        "asked": [requests_hash(sample.requests) for sample in task.samples],
        "finish": [one.finish if isinstance(one, Generated) else None for one in written],
        "truncated": [one.truncated if isinstance(one, (Scored, Generated)) else 0 for one in written],
        "failure": [None if one is None else one.reason for one in failed],
    }
