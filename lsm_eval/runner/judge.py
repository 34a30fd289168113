"""Has a judge grade the answers of a run once they are complete, and gives its judgements to the metrics that need them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from lsm_eval.endpoints.cost.paid import Paid
from lsm_eval.inference.store import ResponseStore
from lsm_eval.judging.reading import VERSIONS, Judgement, Reading, as_request, read
from lsm_eval.judging.rubric import Question
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.metrics.joint import SampleResponse, parts
from lsm_eval.metrics.judged import JudgedMetric, Verdicts
from lsm_eval.models.base import Choosing, Model, Probing, Releasing
from lsm_eval.models.own_model import OwnModel
from lsm_eval.progress import Phase, Progress
from lsm_eval.requests import Answer, Failure, Response
from lsm_eval.results.schema import AbsentRow, JudgedRow, JudgeRow
from lsm_eval.runner.ask import ask_requests
from lsm_eval.runner.execute import Tally
from lsm_eval.runner.model_row import model_row
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.store_key import about_store, store_key
from lsm_eval.runner.thoughts import without_thoughts
from lsm_eval.tasks.sample import Sample


@dataclass(frozen=True)
class JudgedTasks:
    """The result of judging: the tasks with their metrics ready to measure, and what the record says about the judge."""

    tasks: list[PreparedTask]
    row: JudgeRow | None = None
    absent: list[AbsentRow] = field(default_factory=list)

    def columns(self, task: PreparedTask, responses: Sequence[SampleResponse]) -> dict[str, list[str | None]]:
        """The sample table's column `judgements`; empty if no judge was asked about the task."""
        metrics = [metric for metric in task.metrics if isinstance(metric, JudgedMetric)]
        if self.row is None or not metrics:
            return {}
        return {
            "judgements": [
                _judgements(metrics, sample, response)
                for sample, response in zip(task.samples, responses, strict=True)
            ]
        }


@dataclass(frozen=True)
class JudgeAnswers:
    """A judge's answers to a list of questions."""

    judgements: dict[Question, Judgement]
    read: Reading
    tallies: list[Tally]


def judge_answers(
    spec: RunSpec,
    prepared: Sequence[PreparedTask],
    responses: Sequence[SampleResponse],
    model: Model,
    judge: Model | None,
    progress: Progress,
) -> JudgedTasks:
    """Ask `judge` the questions of the tasks' metrics about `responses` (those of all samples, in order).

    Without a judge such metrics are left out of the tasks, with a note. The judged model is released before the
    judge is loaded, unless it judges itself, which is noted too.
    """
    wanting = [task for task in prepared if _judged(task)]
    if judge is None:
        return _without(prepared, wanting, progress)
    if not wanting:
        progress.note(f"--judge {judge.info.name}: no task of this run has a metric that asks a judge.")
        return JudgedTasks(list(prepared))
    answers = iter(responses)
    own = {task.name: list(islice(answers, len(task.samples))) for task in prepared}
    questions = [
        question
        for task in wanting
        for metric in _judged(task)
        for sample, answered in _answered(task.samples, own[task.name])
        for of_answer in metric.questions(sample, answered)
        for question in of_answer
    ]
    if questions and spec.judge_read != "text" and isinstance(judge, Choosing):
        judge.scores()  # probes a server: how it gives likelihoods is a part of its fingerprint
    fingerprint = judge.fingerprint()
    same = fingerprint == model.fingerprint() and not _other_objects(judge, model)
    if same and not isinstance(judge, Paid):
        judge = model  # its weights may be loaded already
    elif not same and isinstance(model, Releasing):
        model.release()
    if same or _same_weights(judge, model):
        same = True
        progress.note(
            f"{judge.info.name} judges its own answers: models favour what they write themselves, so take another "
            "judge for numbers that others will read."
        )
    with ExitStack() as stack:
        stored_as = store_key(judge, fingerprint)
        about = about_store(judge, fingerprint)
        store = stack.enter_context(ResponseStore(spec.store, stored_as, about)) if spec.store else None
        asking = ask_judge(judge, questions, spec.judge_read, store, progress)
    verdicts = Verdicts(_signature(judge, fingerprint, asking.read), asking.judgements)
    tasks = [replace(task, metrics=tuple(_bound(m, verdicts) for m in task.metrics)) for task in prepared]
    rows = [
        _row(task.name, metric, _answered(task.samples, own[task.name]))
        for task in tasks
        for metric in _judged(task)
    ]
    return JudgedTasks(tasks, _judge_row(judge, fingerprint, asking, same, rows))


def ask_judge(
    judge: Model,
    questions: Sequence[Question],
    reading: Reading | None,
    store: ResponseStore | None,
    progress: Progress,
) -> JudgeAnswers:
    """A judgement for every question. With `reading` None the likelihood is used if the judge gives likelihoods, otherwise
    its text."""
    unique = list(dict.fromkeys(questions))
    chat = judge.info.chat_template
    stored_as = store_key(judge, judge.fingerprint())
    shown = _JudgePhases(progress)
    ways: list[Reading] = ["likelihood", "text"] if reading is None else [reading]
    for way in ways:
        tallies: list[Tally] = []  # a way that the judge does not support asked nothing
        requests = [as_request(question, way, chat=chat) for question in unique]
        if way == "text" and isinstance(judge, Probing):
            judge.probe(requests)
        responses, own = ask_requests(requests, {}, judge, stored_as, store, shown)
        tallies += own
        responses = without_thoughts(judge, requests, responses)
        # Answers that ran out of tokens inside thoughts are asked again with room for thoughts.
        again = [at for at, response in enumerate(responses) if _cut_short(response)]
        if again:
            longer = [as_request(unique[at], way, chat=chat, thinking=True) for at in again]
            more, own = ask_requests(longer, {}, judge, stored_as, store, shown)
            tallies += own
            for at, response in zip(again, without_thoughts(judge, longer, more), strict=True):
                responses[at] = response
        if any(not (isinstance(r, Failure) and r.reason == "unsupported") for r in responses):
            break
    judgements = {q: read(q, response) for q, response in zip(unique, responses, strict=True)}
    return JudgeAnswers(judgements, way, tallies)


def _cut_short(response: Response) -> bool:
    return (
        isinstance(response, Failure) and response.written is not None and response.written.finish == "length"
    )


class _JudgePhases:
    """Names the judge's phases apart from those of the judged model."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def phase(self, name: str, total: int | None = None) -> AbstractContextManager[Phase]:
        return self._progress.phase(f"judge: {name}", total)

    def note(self, text: str) -> None:
        self._progress.note(text)


def _judged(task: PreparedTask) -> list[JudgedMetric]:
    return [metric for metric in task.metrics if isinstance(metric, JudgedMetric)]


def _bound(metric: AnyMetric, verdicts: Verdicts) -> AnyMetric:
    return metric.judged_by(verdicts) if isinstance(metric, JudgedMetric) else metric


def _without(
    prepared: Sequence[PreparedTask], wanting: Sequence[PreparedTask], progress: Progress
) -> JudgedTasks:
    why = "it asks a judge, and the run had none (--judge MODEL)"
    absent = [
        AbsentRow(task=task.name, metric=metric.name, why=why)
        for task in wanting
        for metric in task.metrics
        if isinstance(metric, JudgedMetric)
    ]
    if absent:
        left = "; ".join(
            f"{task.name}: {', '.join(row.metric for row in absent if row.task == task.name)}"
            for task in wanting
        )
        progress.note(f"not measured, for want of a judge (name one with --judge MODEL): {left}.")
    tasks = [
        replace(task, metrics=tuple(m for m in task.metrics if not isinstance(m, JudgedMetric)))
        for task in prepared
    ]
    return JudgedTasks(tasks, absent=absent)


def _answered(
    samples: Sequence[Sample], responses: Sequence[SampleResponse]
) -> list[tuple[Sample, list[Answer]]]:
    """Samples that have an answer, with all their answers."""
    return [
        (sample, [part for part in parts(response) if not isinstance(part, Failure)])
        for sample, response in zip(samples, responses, strict=True)
        if not isinstance(response, Failure)
    ]


def _row(task: str, metric: JudgedMetric, answered: Sequence[tuple[Sample, list[Answer]]]) -> JudgedRow:
    judged = [metric.judge(sample, answers) for sample, answers in answered]
    reasons = Counter(str(one.why) for one in judged if one.value is None)
    return JudgedRow(
        task=task,
        metric=metric.name,
        rubric=metric.rubric.signature,
        samples=len(judged),
        could_not_judge=dict(sorted(reasons.items())),
    )


def _judgements(metrics: Sequence[JudgedMetric], sample: Sample, response: SampleResponse) -> str | None:
    if isinstance(response, Failure):
        return None
    ((_, answers),) = _answered([sample], [response])
    found = {}
    for metric in metrics:
        found[metric.name] = [
            {question.name: _shown(judgement) for question, judgement in one.items()}
            for one in metric.judgements(sample, answers)
        ]
    return json.dumps(found, sort_keys=True)


def _shown(judgement: Judgement) -> dict[str, Any]:
    if judgement.answer is None:
        return {"answer": None, "why": judgement.why}
    share = {} if judgement.share is None else {"share": round(judgement.share, 4)}
    return {"answer": judgement.answer, **share}


def _other_objects(judge: Model, model: Model) -> bool:
    """Whether one of the two is a user's own object and the other is not known to be the same: a name alone says nothing."""
    if not (isinstance(judge, OwnModel) and isinstance(model, OwnModel)):
        return isinstance(judge, OwnModel) or isinstance(model, OwnModel)
    identified = judge.identified and model.identified
    return judge.wrapped is not model.wrapped and not (
        identified and judge.fingerprint() == model.fingerprint()
    )


def _same_weights(judge: Model, model: Model) -> bool:
    """Whether the two differ only in how they are run. An adapter or another folder makes a different model, whatever the names are."""
    if _other_objects(judge, model):
        return False
    one, other = judge.info, model.info
    here, there = one.details or {}, other.details or {}
    if "adapter" in there or here.get("folder") != there.get("folder"):
        return False
    return (one.name, one.revision) == (other.name, other.revision)


def _signature(judge: Model, fingerprint: str, reading: Reading) -> str:
    info = judge.info
    name = f"{info.name}@{info.revision}" if info.revision else info.name
    return f"{name}/{fingerprint[:16]}/{reading}:{VERSIONS[reading]}/chat:{'on' if info.chat_template else 'off'}"


def _judge_row(
    judge: Model, fingerprint: str, asking: JudgeAnswers, same: bool, rows: list[JudgedRow]
) -> JudgeRow:
    info = judge.info
    return JudgeRow(
        model=model_row(info, fingerprint, info.details or {}),
        read=asking.read,
        same_model=same,
        requests={
            name: sum(getattr(tally, name) for tally in asking.tallies)
            for name in ("asked", "unique", "from_store", "computed", "failed")
        },
        metrics=rows,
    )
