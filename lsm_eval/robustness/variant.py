"""A variant of a task: its questions, changed by one or more perturbations in sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from lsm_eval.errors import UserError, unknown
from lsm_eval.robustness.perturbations import PERTURBATIONS, Perturbation
from lsm_eval.templates.functions import Reworded
from lsm_eval.templates.values import as_index

if TYPE_CHECKING:
    from lsm_eval.tasks.schema import Task

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """Perturbations in the order of their application; the name joins theirs by `+`."""

    name: str
    steps: tuple[Perturbation, ...]
    seed: int

    def why_not(self, task: Task) -> str | None:
        """Why it cannot change this task's questions; None if it can."""
        if task.request == "perplexity":
            return "it asks nothing"
        if not task.rewordable:
            return "its wording is what it measures"
        for step in self.steps:
            if step.attack and task.request != "generate":
                return f"{step.name} is for tasks that generate"
            if step.kind == "options" and task.options is None:
                return "its prompt shows no options in an order of their own"
            if step.kind == "text" and isinstance(task.further, str):
                return "its further prompts keep their wording"
            if step.kind == "text" and not shown_columns(task):
                return "its prompt shows no text that could be changed"
            if step.kind == "question" and not task.prompt:
                return "its prompt is empty"
        return None

    def row(self, task: Task, row: Row, sample: str) -> Row:
        """The row with its options in a different order if a step changes it; never the original order."""
        if task.options is None or not any(step.kind == "options" for step in self.steps):
            return row
        options, answer = list(row[task.options.column]), row[task.options.answer]
        right = as_index(answer)
        if right is None or not 0 <= right < len(options):
            raise UserError(
                f"{task.task}: {task.options.answer} of sample {sample!r} is not the index of one of its options."
            )
        order = list(range(len(options)))
        stream = self._stream("option_order", sample)
        while len(options) > 1 and order == sorted(order):
            stream.shuffle(order)
        return {
            **row,
            task.options.column: [options[at] for at in order],
            task.options.answer: order.index(right),
        }

    def question(self, task: Task, prompt: Callable[[Row], str], row: Row, sample: str) -> str:
        """The prompt of a row in the variant's wording."""
        shown = dict(row)
        for step in self.steps:
            if step.kind == "text":
                for column in shown_columns(task):
                    if isinstance(shown.get(column), str):
                        stream = self._stream(step.name, sample, column)
                        shown[column] = Reworded.of(step.change(shown[column], stream), row[column])
        text = prompt(shown)
        for step in self.steps:
            if step.kind == "question":
                text = step.change(text, self._stream(step.name, sample))
        return text

    def _stream(self, *key: str) -> Random:
        return Random("/".join(("perturb", str(self.seed), *key)))


def make_variant(name: str, seed: int) -> Variant:
    """The variant that `--perturb` names. Raises `UserError` if a perturbation does not exist or is named twice."""
    names = [part.strip() for part in name.split("+")]
    for each in names:
        if each not in PERTURBATIONS:
            raise unknown("perturbation", each, PERTURBATIONS)
    if len(set(names)) < len(names):
        raise UserError(f"--perturb {name} names a perturbation twice: name each once.")
    return Variant("+".join(names), tuple(PERTURBATIONS[each] for each in names), seed)


def shown_columns(task: Task) -> list[str]:
    """Columns of the dataset that the prompt templates use, in the dataset's order."""
    from lsm_eval.templates.render import columns_read

    listed = () if isinstance(task.further, str) else task.further
    read: set[str] = set()
    for template in (task.prompt, *listed):
        read |= columns_read(template)
    return [column for column in task.dataset.columns if column in read]
