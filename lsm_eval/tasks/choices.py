"""A sample's choices and targets, read from its row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lsm_eval.errors import UserError
from lsm_eval.tasks.templates import Templates
from lsm_eval.templates.missing import NullError, describe, missing
from lsm_eval.templates.render import Row
from lsm_eval.templates.values import as_index, as_label, as_text, short


class Choices:
    """Choices and targets of a task's rows. Raises `UserError` for values that are not lists, and targets without a choice."""

    def __init__(self, templates: Templates) -> None:
        task = self._task = templates.task
        self._templates = templates
        self._choices: Callable[[Row], Any] | list[Callable[[Row], str]] | None = None
        if isinstance(task.choices, str):
            self._choices = templates.value("choices", task.choices)
        elif task.choices is not None:
            self._choices = [templates.text(f"choices.{i}", t) for i, t in enumerate(task.choices)]
        self._target: Callable[[Row], Any] | None = None
        if isinstance(task.target, str):
            self._target = templates.value("target", task.target)
        elif task.target is not None:
            fixed = task.target
            self._target = lambda row: fixed

    def texts(self, row: Row, name: str) -> tuple[str, ...]:
        """The row's choices; `name` is its sample's, for errors."""
        if self._choices is None:
            return ()
        if isinstance(self._choices, list):
            return tuple(render(row) for render in self._choices)
        return self.listed(self._choices(row), "choices", row, name)

    def listed(self, values: Any, key: str, row: Row, name: str) -> tuple[str, ...]:
        """The texts of a list that the key's template gave."""
        if missing(values) == "null":
            raise NullError(self._templates.key(key), describe(row, self._templates.reads(key)))
        if not isinstance(values, (list, tuple)) or not values:
            raise UserError(f"{self._templates.file}: {key} of sample {name!r} are no list, or an empty one.")
        return tuple(
            as_text(value, self._templates.key(key), row, name, self._templates.reads) for value in values
        )

    def targets(self, row: Row, name: str, choices: int) -> tuple[int, ...] | tuple[str, ...]:
        """Indices among so many choices, or the right texts if there are no choices."""
        if self._target is None:
            return ()
        value = self._target(row)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if any(missing(v) == "null" for v in values):
            raise NullError(self._templates.key("target"), describe(row, self._templates.reads("target")))
        if self._task.request != "score":
            return tuple(
                as_text(v, self._templates.key("target"), row, name, self._templates.reads) for v in values
            )
        shown = "" if self._task.sensitive else f" {short(value)}"
        if self._task.target_labels:
            labels = [as_label(v) for v in values]
            if None in labels:
                raise UserError(
                    f"{self._templates.file}: target{shown} of sample {name!r} is no list of labels (0 or 1 for each choice)."
                )
            if len(labels) != choices:
                raise UserError(
                    f"{self._templates.file}: sample {name!r} has {len(labels)} labels for {choices} choices."
                )
            return tuple(i for i, label in enumerate(labels) if label)
        numbers = [number for v in values if (number := as_index(v)) is not None]
        if len(numbers) < len(values):
            raise UserError(f"{self._templates.file}: target{shown} of sample {name!r} is no index.")
        if any(not 0 <= number < choices for number in numbers):
            raise UserError(
                f"{self._templates.file}: target{shown} of sample {name!r} is not among its {choices} choices "
                "(the first is 0)."
            )
        return tuple(numbers)
