"""Removes thoughts from the answers of a run once they are complete, so that the rest of the program sees only the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from lsm_eval.lm_eval_bridge.names import LmEvalTask
from lsm_eval.metrics.joint import SampleResponse, join, parts
from lsm_eval.models.base import Model
from lsm_eval.reasoning.answered import VERSION, Mode, answered
from lsm_eval.reasoning.prompts import opens, says_no_thoughts
from lsm_eval.reasoning.split import only_closed, unmarked
from lsm_eval.requests import Failure, Generate, Generated, Request, Response, Score
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.thought_tokens import with_token_counts
from lsm_eval.runner.written_choices.read import with_unread


@dataclass(frozen=True, slots=True)
class FinalAnswers:
    """The answers of one task without their thoughts, and what was done to get them."""

    responses: list[SampleResponse]
    part: str = ""
    """Part of the signature of the task's numbers; empty if the default would give the same answers."""


def remove_thoughts(
    prepared: Sequence[PreparedTask], responses: Sequence[SampleResponse], model: Model, mode: Mode
) -> dict[str, FinalAnswers]:
    """The answers by task name, from the responses to the samples of all tasks, in order."""
    left = iter(responses)
    return {task.name: _task(task, list(islice(left, len(task.samples))), model, mode) for task in prepared}


def without_thoughts(
    model: Model, requests: Sequence[Request], responses: Sequence[Response]
) -> list[Response]:
    """Responses without their thoughts, parallel to the requests."""
    return [_answer(request, part, model, "auto") for request, part in zip(requests, responses, strict=True)]


def samples_with_thoughts(responses: Sequence[SampleResponse]) -> int:
    """The number of samples from which thoughts were removed, including those that ended inside them."""
    return sum(any(map(_has_thoughts, parts(whole))) for whole in responses)


def _has_thoughts(part: Response) -> bool:
    if isinstance(part, Failure):
        return part.reason == "truncated"
    return isinstance(part, Generated) and bool(part.thoughts)


def _task(task: PreparedTask, responses: list[SampleResponse], model: Model, mode: Mode) -> FinalAnswers:
    if task.loaded.task.request != "generate":
        return FinalAnswers(responses, part=_scored(task, model))
    # The harness's own backends leave thoughts in the text unless the end mark is given.
    default: Mode = "keep" if isinstance(task.loaded, LmEvalTask) else "auto"
    own = default if mode == "auto" else mode
    found: list[SampleResponse] = []
    differs = False
    unseen = own != "keep" and _opened_unseen(responses)
    for sample, whole in zip(task.samples, responses, strict=True):
        if isinstance(whole, Failure):
            found.append(whole)
            continue
        pairs = list(zip(sample.requests, parts(whole), strict=True))
        answers = [_answer(request, part, model, own, unseen) for request, part in pairs]
        if own != default:
            differs |= answers != [_answer(request, part, model, default) for request, part in pairs]
        found.append(join(answers))
    if own != "keep":
        found = with_token_counts(responses, found, model)
    found = with_unread(task, found)
    return FinalAnswers(found, f"reasoning:{own}/{VERSION}" if differs else "")


def _answer(request: Request, part: Response, model: Model, mode: Mode, unseen: bool = False) -> Response:
    """`unseen`: prompts open thoughts without showing it."""
    if not isinstance(part, Generated) or not isinstance(request, Generate):
        return part
    if unseen and part.finish == "length" and not part.thoughts and unmarked(part.text):
        return answered(part, mode, opened=True)
    return answered(part, mode, opened=mode != "keep" and opens(model.render(request)))


def _opened_unseen(responses: Sequence[SampleResponse]) -> bool:
    """Whether most of the texts that ended by themselves close thoughts that they did not open. Then the prompts open them, as a server's
    chat template may do, and a text without any mark that ran out of tokens is still inside its thoughts."""
    ended = [
        part
        for whole in responses
        for part in parts(whole)
        if isinstance(part, Generated) and part.finish == "stop" and not part.thoughts
    ]
    return 2 * sum(only_closed(part.text) for part in ended) > len(ended)


def _scored(task: PreparedTask, model: Model) -> str:
    """Choices are scored where the answer begins; the signature says so if the model's template skipped thoughts for this."""
    first = next((sample.request for sample in task.samples), None)
    if not isinstance(first, Score) or not first.chat:
        return ""
    return "reasoning:closed" if says_no_thoughts(model.render(first)) else ""
