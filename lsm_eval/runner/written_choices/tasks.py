"""Turns tasks that score choices into tasks that ask for the label of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from lsm_eval.errors import UserError
from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.models.base import Choosing, Model
from lsm_eval.progress import Progress
from lsm_eval.requests import Generate, Request, Score
from lsm_eval.runner.build_tasks import chat_of, with_examples
from lsm_eval.runner.generation import apply_token_limits
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.runner.written_choices.metrics import metrics_of_written
from lsm_eval.runner.written_choices.wording import CHAT_TOKENS, PLAIN_TOKENS, example, listed
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.sample import Listed, Sample


def writes_choices(loaded: LoadedTask, spec: RunSpec, model: Model) -> bool:
    """Whether the model is to write the label of a choice in a task that scores choices."""
    if loaded.task.request != "score" or spec.choices == "likelihood":
        return False
    if spec.choices != "auto":
        return True
    # The harness words its tasks itself; the error for them is raised when their tokens are counted.
    return isinstance(model, Choosing) and not isinstance(loaded, LmEvalTask) and not model.scores()


def ask_for_labels(task: PreparedTask, spec: RunSpec, model: Model) -> PreparedTask:
    """The task with its choices listed in the prompts, and answers that are read. Raises `UserError` if that is not possible."""
    try:
        return _as_written(task, spec, chat_template=model.info.chat_template)
    except UserError as error:
        why = "" if spec.choices != "auto" else f"{model.info.name} tells no log-probabilities, and "
        raise UserError(f"{why}{task.name} cannot be asked to write a choice: {error}.") from error


def _as_written(task: PreparedTask, spec: RunSpec, *, chat_template: bool) -> PreparedTask:
    if isinstance(task.loaded, LmEvalTask):
        raise UserError("it is worded by lm-evaluation-harness")
    definition = task.loaded.task.model_copy(update={"request": "generate"})
    loaded = replace(task.loaded, task=definition)
    chat, own_chat = chat_of(loaded, spec, chat_template=chat_template)
    tokens = CHAT_TOKENS if chat else PLAIN_TOKENS
    loaded = replace(loaded, task=definition.model_copy(update={"max_tokens": tokens}))
    metrics, dropped = metrics_of_written(loaded, offline=spec.data.offline)
    if not metrics:
        raise UserError(
            f"none of its metrics has a meaning then ({'; '.join(dict.fromkeys(dropped.values()))})"
        )
    if task.shots:
        task = with_examples(task, spec, partial(example, draw=f"{spec.seed}/example"))
    samples = tuple(_sample(one, task, spec, chat=chat) for one in task.samples)
    return replace(
        task,
        loaded=loaded,
        metrics=metrics,
        samples=apply_token_limits(samples, spec),
        chat=chat,
        own_chat=own_chat,
        choices="parsed",
        dropped=dropped,
    )


def _sample(sample: Sample, task: PreparedTask, spec: RunSpec, *, chat: bool) -> Sample:
    if sample.missing:
        return replace(sample, request=Generate(""))
    requests: list[Request] = []
    shown: list[Listed] = []
    for at, request in enumerate(sample.requests):
        assert isinstance(request, Score)
        draw = f"{spec.seed}/{sample.id}/{at}"
        try:
            one, own = listed(request, task.loaded.task.delimiter, chat=chat, draw=draw)
        except UserError as error:
            raise UserError(f"{error} (sample {sample.id!r})") from error
        requests.append(one)
        shown.append(own)
    return replace(sample, request=requests[0], further=tuple(requests[1:]), listed=tuple(shown))


def with_constrained_answers(task: PreparedTask, spec: RunSpec, model: Model) -> PreparedTask:
    """The task with answers constrained to the labels, if the model supports it; otherwise unchanged. May ask the server whether it does.
    Raises `UserError` if the server is not there."""
    if task.choices is None or spec.choices == "parsed" or not isinstance(model, Choosing):
        return task
    if not model.constrains(chat=task.chat):
        return task
    samples = tuple(_held(sample, task.loaded.task.delimiter) for sample in task.samples)
    return replace(task, samples=samples, choices="constrained")


def _held(sample: Sample, delimiter: str) -> Sample:
    requests: list[Request] = []
    for request, shown in zip(sample.requests, sample.listed, strict=False):
        assert isinstance(request, Generate)
        before = "" if request.chat else delimiter if shown.own else " "
        # Constrained answers end by themselves.
        requests.append(
            replace(request, stop=(), choices=tuple(f"{before}{label}" for label in shown.labels))
        )
    return replace(sample, request=requests[0], further=tuple(requests[1:])) if requests else sample


def note_written(tasks: Sequence[PreparedTask], spec: RunSpec, model: Model, progress: Progress) -> None:
    """Report which tasks are asked to write a choice."""
    for way in ("constrained", "parsed"):
        own = [task for task in tasks if task.choices == way]
        if not own:
            continue
        why = "--choices" if spec.choices != "auto" else _why(model)
        names = ", ".join(task.name for task in own)
        gone = sorted({metric for task in own for metric in task.dropped})
        without = f" Left out for want of likelihoods: {', '.join(gone)}." if gone else ""
        progress.note(
            f"{why}: {names} {'is' if len(own) == 1 else 'are'} asked to write the label of a choice, "
            f"{_how(own[0], spec, model)}; such numbers stand in columns of their own, METRIC(generated).{without}"
        )


def _why(model: Model) -> str:
    name = model.info.name
    if isinstance(model, Choosing) and model.scores() is None:
        return f"whether {name} tells log-probabilities is not asked now, and if it does not"
    return f"{name} tells no log-probabilities"


def _how(task: PreparedTask, spec: RunSpec, model: Model) -> str:
    if task.choices == "constrained":
        return "held to its labels"
    if spec.choices != "parsed" and isinstance(model, Choosing) and model.constrains(chat=task.chat) is None:
        return "held to its labels where the server can, which is not asked now"
    return "read from what it writes"
