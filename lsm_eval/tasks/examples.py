"""Few-shot examples: selects those before a question, and writes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol

from lsm_eval.errors import UserError
from lsm_eval.tasks.choices import Choices
from lsm_eval.tasks.templates import Templates
from lsm_eval.templates.missing import NullError, missing
from lsm_eval.templates.render import Row


class Wording(Protocol):
    """A wording of examples other than the task's own."""

    def __call__(self, question: str, choices: Sequence[str], right: int, number: int) -> str | None:
        """The example of a question with the right choice `right`; `number` is its row's in the pool. None: the task's own wording."""
        ...


class Examples:
    """Writes `shots` examples, each as its question (`prompt`) and answer; `seed` is for a random sampler."""

    def __init__(
        self,
        templates: Templates,
        choices: Choices,
        prompt: Callable[[Row], str],
        *,
        shots: int,
        seed: int,
        wording: Wording | None = None,
    ) -> None:
        self._templates, self._choices, self._prompt, self._wording = templates, choices, prompt, wording
        task = self._task = templates.task
        self._shots, self._seed = shots, seed
        self._answer = templates.text("fewshot.answer", task.fewshot.answer) if task.fewshot.answer else None

    def before(self, row: Row, name: str, pool: Sequence[Row], own: int | None) -> str:
        """The examples of the sample `name`, from the rows of a pool; `own` is the number of its own row there."""
        if not self._shots:
            return ""
        few = self._task.fewshot
        prompt = self._prompt(row)
        if few.match is not None and missing(row.get(few.match)):
            raise NullError(self._templates.key("fewshot.match"), f"the column {few.match!r} is null")
        fitting = [
            i
            for i, example in enumerate(pool)
            if i != own and (few.match is None or example.get(few.match) == row.get(few.match))
        ]
        if few.sampler == "random":
            # Seeded by the document's name, so that --limit and the order of tasks have no effect.
            random.Random(f"{self._seed}/{self._task.task}/{name}").shuffle(fitting)
        shown: list[str] = []
        for i in fitting:
            if len(shown) == self._shots:
                break
            if example := self._example(pool[i], i, prompt):
                shown.append(example)
        if len(shown) < self._shots:
            raise UserError(
                f"{self._task.task}: {self._shots} shots are asked for and only {len(shown)} examples "
                f"fit sample {name!r}: lower --shots."
            )
        return "".join(example + few.separator for example in shown)

    def _example(self, row: Row, number: int, prompt: str) -> str | None:
        """An example's question and answer; None for the document itself, and for a row that a null makes unusable
        (`nulls: missing`)."""
        try:
            question = self._prompt(row)
            if question == prompt:  # the same document under another row number is still the document
                return None
            if self._wording and (worded := self._worded(self._wording, question, row, number)) is not None:
                return worded
            return question + self._task.delimiter + self._example_answer(row)
        except NullError as error:
            if self._task.nulls == "missing":
                return None
            raise NullError(error.where, f"{error.what} in example {number} (from 0)") from error

    def _worded(self, wording: Wording, question: str, row: Row, number: int) -> str | None:
        choices = self._choices.texts(row, "of an example")
        targets = self._choices.targets(row, "of an example", len(choices))
        right = targets[0] if targets else None
        return wording(question, choices, right, number) if isinstance(right, int) else None

    def _example_answer(self, row: Row) -> str:
        if self._answer:
            return self._answer(row)
        choices = self._choices.texts(row, "of an example")
        targets = self._choices.targets(row, "of an example", len(choices))
        if not targets:
            raise UserError(f"{self._templates.file}: examples need fewshot.answer, or a target.")
        first = targets[0]
        return first if isinstance(first, str) else choices[first]
