"""Counts the tokens of a task's samples, and checks that they fit into the model's context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from lsm_eval.errors import UserError
from lsm_eval.models.base import Chatting, Cost, Model
from lsm_eval.models.chat_template import ChatTemplateError
from lsm_eval.progress import Progress
from lsm_eval.requests import Request
from lsm_eval.runner.budgets import check_budgets
from lsm_eval.runner.prepared import PreparedTask
from lsm_eval.runner.spec import RunSpec
from lsm_eval.tasks.sample import Sample


def count_tokens(one: PreparedTask, model: Model, spec: RunSpec) -> PreparedTask:
    """The task with its token counts."""
    requests = [request for sample in one.samples for request in sample.requests]
    check_budgets(requests, model)
    try:
        each = model.cost(requests)
    except ChatTemplateError as error:
        raise UserError(f"{one.name}: {error}") from error
    costs = _sample_costs(one.samples, each)
    _check_lengths(one, costs, model, spec)
    return replace(
        one, costs=costs, tokens=tuple(cost.asked for cost in each), system=_system(one, requests, model)
    )


def _system(task: PreparedTask, requests: Sequence[Request], model: Model) -> Literal["folded"] | None:
    """`folded` if the chat template puts system messages into the user's, otherwise None."""
    if not task.chat or not isinstance(model, Chatting):
        return None
    return "folded" if any(map(model.folded, requests)) else None


def note_refused(tasks: Sequence[PreparedTask], model: Model, progress: Progress) -> None:
    """Report the tasks whose messages the chat template refuses."""
    if not isinstance(model, Chatting):
        return
    for task in tasks:
        requests = [request for sample in task.samples for request in sample.requests] if task.chat else []
        refused = [why for why in map(model.refusal, requests) if why is not None]
        if refused:
            count = f"{len(refused)} of {len(requests)}"
            progress.note(f"{task.name}: {count} requests count as missing: {refused[0]}")


def _sample_costs(samples: Sequence[Sample], each: Sequence[Cost]) -> tuple[Cost, ...]:
    """The cost of each sample from the costs of all their requests, in order."""
    if not each:
        return ()
    left = iter(each)
    return tuple(_total([next(left) for _ in sample.requests]) for sample in samples)


def _total(costs: Sequence[Cost]) -> Cost:
    return Cost(
        asked=sum(cost.asked for cost in costs),
        bos=max((cost.bos for cost in costs), default=0),
        longest=max((cost.longest for cost in costs), default=0),
        truncated=max((cost.truncated for cost in costs), default=0),
    )


def _check_lengths(task: PreparedTask, costs: Sequence[Cost], model: Model, spec: RunSpec) -> None:
    if spec.options.overflow != "error":
        return
    long = [cost for cost in costs if cost.truncated]
    if long:
        raise UserError(
            f"{task.name}: {len(long)} of {len(task.samples)} samples need up to "
            f"{max(cost.longest for cost in long)} tokens, and the context of {model.info.name} is "
            f"{model.info.context}: pass {'--overflow truncate to cut contexts on the left, ' if model.info.cuts else ''}"
            "--overflow skip to count these samples as missing, or fewer --shots."
        )
