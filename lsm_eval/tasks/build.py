"""From a task and its rows to samples: prompts assembled, examples chosen, choices and targets checked."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Perplexity, Request, Score
from lsm_eval.tasks.draw import drawn
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.render import Row, compile_template, compile_text
from lsm_eval.tasks.sample import Sample

if TYPE_CHECKING:
    from lsm_eval.tasks.schema import Task


class Rows(Protocol):
    """Rows of a dataset and their names, parallel."""

    @property
    def rows(self) -> Sequence[Row]: ...

    @property
    def ids(self) -> Sequence[str]: ...


class Variation(Protocol):
    """Another wording of a task's questions (`robustness.variant`)."""

    def row(self, task: Task, row: Row, sample: str) -> Row:
        """The row that everything is rendered from."""
        ...

    def question(self, task: Task, prompt: Callable[[Row], str], row: Row, sample: str) -> str:
        """The prompt of a row, in the other wording."""
        ...


@dataclass(frozen=True)
class BuildOptions:
    """What a run decides about a task's prompts."""

    shots: int
    seed: int = 0
    limit: int | None = None
    """Only the first so many; None for the task's share, or all."""
    chat: bool = False
    variant: Variation | None = None
    """How its questions are changed."""


def build_samples(
    loaded: LoadedTask, data: Rows, examples: Rows | None, options: BuildOptions
) -> list[Sample]:
    """The task's samples, in the order of its rows.

    `examples` are the rows that examples come from, None for the evaluated rows themselves.
    Raises `UserError` for a template that fails, a choice list that is none, a target out of range, and for
    more shots than there are examples.
    """
    return _Builder(loaded, options).build(data, examples)


class _Builder:
    def __init__(self, loaded: LoadedTask, options: BuildOptions) -> None:
        task = self.task = loaded.task
        self.options, self._share = options, loaded.share
        # Where: file and key, in every error.
        self._file = str(loaded.path)
        self._prompt = self._text("prompt", task.prompt)
        listed = () if isinstance(task.further, str) else task.further
        self._more_prompts = [self._text(f"further.{i}", t) for i, t in enumerate(listed)]
        self._more_pairs = self._value("further", task.further) if isinstance(task.further, str) else None
        self._instruction = self._text("instruction", task.instruction)
        self._system = self._text("system", task.system) if task.system is not None else None
        self._cluster = self._text("cluster", task.cluster) if task.cluster is not None else None
        self._answer = self._text("fewshot.answer", task.fewshot.answer) if task.fewshot.answer else None
        self._metadata = {name: self._value(f"metadata.{name}", t) for name, t in task.metadata.items()}
        self._choices: Callable[[Row], Any] | list[Callable[[Row], str]] | None = None
        if isinstance(task.choices, str):
            self._choices = self._value("choices", task.choices)
        elif task.choices is not None:
            self._choices = [self._text(f"choices.{i}", t) for i, t in enumerate(task.choices)]
        self._target: Callable[[Row], Any] | None = None
        if isinstance(task.target, str):
            self._target = self._value("target", task.target)
        elif task.target is not None:
            fixed = task.target
            self._target = lambda row: fixed

    def build(self, data: Rows, examples: Rows | None) -> list[Sample]:
        own = examples is None and not self.task.fewshot.examples
        pool = self._pool(data if examples is None else examples)
        samples = []
        for index in self._chosen(data.rows):
            row, name = data.rows[index], data.ids[index]
            header = self._header(row, name, pool, index if own else None)
            samples.append(self._sample(row, name, header))
        return samples

    def _chosen(self, rows: Sequence[Row]) -> Sequence[int]:
        """Which rows are asked."""
        if self.options.limit is not None:
            return range(min(self.options.limit, len(rows)))
        if self._share is None:
            return range(len(rows))
        clusters = [self._cluster(row) if self._cluster else None for row in rows]
        key = f"{self.options.seed}/{self.task.task}"
        return drawn(clusters, limit=self._share.limit, each=self._share.each, key=key)

    def _sample(self, row: Row, name: str, header: str) -> Sample:
        if self.options.variant:
            row = self.options.variant.row(self.task, row, name)
        choices = self._choice_texts(row, name)
        request, *further = (
            self._request(header + self._question(prompt, row, name), choices, row, name)
            for prompt in (self._prompt, *self._more_prompts)
        )
        for prompt, own in self._more_pairs(row) if self._more_pairs else ():
            further.append(self._request(header + str(prompt), tuple(map(str, own)), row, name))
        further += self._drawn(request)
        return Sample(
            id=name,
            request=request,
            target=self._targets(row, name, len(choices)),
            choices=choices,
            cluster=self._cluster(row) if self._cluster else None,
            metadata={key: render(row) for key, render in self._metadata.items()},
            further=tuple(further),
        )

    def _question(self, prompt: Callable[[Row], str], row: Row, name: str) -> str:
        variant = self.options.variant
        return variant.question(self.task, prompt, row, name) if variant else prompt(row)

    def _request(self, prompt: str, choices: tuple[str, ...], row: Row, name: str) -> Request:
        task, chat = self.task, self.options.chat
        if task.request == "score":
            # In a chat the reply starts afresh: no delimiter binds it to the question.
            delimiter = "" if chat else task.delimiter
            continuations = tuple(delimiter + choice for choice in choices)
            if "" in continuations:
                raise UserError(
                    f"{self._file}: choice {continuations.index('')} of sample {name!r} is empty, and nothing of it "
                    "can be scored: leave out such rows with dataset.where, or set a delimiter."
                )
            return Score(prompt, continuations, chat=chat)
        if task.request == "generate":
            system = self._system(row) if self._system else None
            return Generate(prompt, task.stop, task.max_tokens, system=system, chat=chat, detail=task.detail)
        return Perplexity(prompt, detail=task.detail)

    def _drawn(self, greedy: Request) -> list[Request]:
        """As many draws as the task wants, each with a random stream of its own."""
        draws = self.task.draws
        if draws is None or not isinstance(greedy, Generate):
            return []
        seeds = range(self.options.seed + 1, self.options.seed + 1 + draws.n)
        return [
            replace(greedy, temperature=draws.temperature, top_p=draws.top_p, seed=seed) for seed in seeds
        ]

    def _header(self, row: Row, name: str, pool: Sequence[Row], own: int | None) -> str:
        """Instruction and examples: all that stands before the question."""
        instruction = self._instruction(row)
        if not self.options.shots:
            return instruction
        few = self.task.fewshot
        prompt = self._prompt(row)
        fitting = [
            i
            for i, example in enumerate(pool)
            if i != own and (few.match is None or example.get(few.match) == row.get(few.match))
        ]
        if few.sampler == "random":
            # Seeded by the document's name, so that --limit and the order of tasks change nothing.
            random.Random(f"{self.options.seed}/{self.task.task}/{name}").shuffle(fitting)
        shown: list[str] = []
        for i in fitting:
            if len(shown) == self.options.shots:
                break
            question = self._prompt(pool[i])
            if question != prompt:  # the same document under another row number is still the document
                shown.append(question + self.task.delimiter + self._example_answer(pool[i]))
        if len(shown) < self.options.shots:
            raise UserError(
                f"{self.task.task}: {self.options.shots} shots are asked for and only {len(shown)} examples "
                f"fit sample {name!r}: lower --shots."
            )
        return instruction + "".join(example + few.separator for example in shown)

    def _pool(self, rows: Rows) -> Sequence[Row]:
        return self.task.fewshot.examples or rows.rows

    def _example_answer(self, row: Row) -> str:
        if self._answer:
            return self._answer(row)
        choices = self._choice_texts(row, "of an example")
        targets = self._targets(row, "of an example", len(choices))
        if not targets:
            raise UserError(f"{self._file}: examples need fewshot.answer, or a target.")
        first = targets[0]
        return first if isinstance(first, str) else choices[first]

    def _choice_texts(self, row: Row, name: str) -> tuple[str, ...]:
        if self._choices is None:
            return ()
        if isinstance(self._choices, list):
            return tuple(render(row) for render in self._choices)
        values = self._choices(row)
        if not isinstance(values, (list, tuple)) or not values:
            raise UserError(f"{self._file}: choices of sample {name!r} are no list, or an empty one.")
        return tuple(str(value) for value in values)

    def _targets(self, row: Row, name: str, choices: int) -> tuple[int, ...] | tuple[str, ...]:
        if self._target is None:
            return ()
        value = self._target(row)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if self.task.request != "score":
            if any(not isinstance(v, (str, int, float)) for v in values):
                raise UserError(
                    f"{self._file}: target of sample {name!r} is neither text nor a list of texts."
                )
            return tuple(str(v) for v in values)
        try:
            numbers = [int(v) for v in values]
        except (TypeError, ValueError) as error:
            shown = "" if self.task.sensitive else f" {value!r}"
            raise UserError(f"{self._file}: target{shown} of sample {name!r} is no index.") from error
        if self.task.target_labels:
            if len(numbers) != choices:
                raise UserError(
                    f"{self._file}: sample {name!r} has {len(numbers)} labels for {choices} choices."
                )
            numbers = [i for i, label in enumerate(numbers) if label]
        if any(not 0 <= number < choices for number in numbers):
            raise UserError(
                f"{self._file}: target {value!r} of sample {name!r} is not among its {choices} choices "
                "(the first is 0)."
            )
        return tuple(numbers)

    def _text(self, key: str, source: str) -> Callable[[Row], str]:
        return compile_text(source, where=f"{self._file}, {key}", quiet=self.task.sensitive)

    def _value(self, key: str, source: str) -> Callable[[Row], Any]:
        return compile_template(source, where=f"{self._file}, {key}", quiet=self.task.sensitive)


def where_filter(loaded: LoadedTask) -> Callable[[Mapping[str, Any]], bool] | None:
    """The dataset's `where` as a function over a row; None where it has none."""
    source = loaded.task.dataset.where
    if source is None:
        return None
    source = source if "{{" in source else "{{ " + source + " }}"
    keep = compile_template(source, where=f"{loaded.path}, dataset.where", quiet=loaded.task.sensitive)
    return lambda row: bool(keep(row))
