"""From a task and its rows to samples: prompts assembled, examples chosen, choices and targets checked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Perplexity, Request, Score
from lsm_eval.tasks.draw import drawn, spread, weights
from lsm_eval.tasks.missing import NullError, describe, missing
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.render import Row, columns_read, compile_template, compile_text
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.values import as_index, as_label, as_text, short

if TYPE_CHECKING:
    from lsm_eval.tasks.schema import Task

T = TypeVar("T")


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
    """Only so many, drawn over the task's groups and clusters; None for the task's share, or all."""
    first: bool = False
    """The first so many, and none drawn."""
    chat: bool = False
    variant: Variation | None = None
    """How its questions are changed."""


@dataclass(frozen=True, slots=True)
class Built:
    """A task's samples, in the order of its rows."""

    samples: list[Sample]
    groups: int | None
    """Over so many groups the samples were drawn, to keep to the limit; None where no limit drew them."""


def build_samples(
    loaded: LoadedTask, data: Rows, examples: Rows | None, options: BuildOptions
) -> list[Sample]:
    """The samples of `build`."""
    return build(loaded, data, examples, options).samples


def build(loaded: LoadedTask, data: Rows, examples: Rows | None, options: BuildOptions) -> Built:
    """The task's samples, and how they were drawn.

    `examples` are the rows that examples come from, None for the evaluated rows themselves.
    A sample whose texts would hold a null is missing (`Sample.missing`) where the task says `nulls: missing`.
    Raises `UserError` for such a one otherwise, for a template that fails, a choice list that is none, a target that is
    no index or out of range, and for more shots than there are examples.
    """
    return _Builder(loaded, options).build(data, examples)


class _Builder:
    def __init__(self, loaded: LoadedTask, options: BuildOptions) -> None:
        task = self.task = loaded.task
        self.options, self._share = options, loaded.share
        # Where: file and key, in every error.
        self._file, self._columns = str(loaded.path), task.dataset.columns
        self._prompt = self._text("prompt", task.prompt)
        listed = () if isinstance(task.further, str) else task.further
        self._more_prompts = [self._text(f"further.{i}", t) for i, t in enumerate(listed)]
        self._more_pairs = self._value("further", task.further) if isinstance(task.further, str) else None
        self._instruction = self._text("instruction", task.instruction)
        self._system = self._text("system", task.system) if task.system is not None else None
        self._cluster = self._text("cluster", task.cluster) if task.cluster is not None else None
        self._group = self._text("group", task.group) if task.group is not None else None
        self._groups: int | None = None
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

    def build(self, data: Rows, examples: Rows | None) -> Built:
        own = examples is None and not self.task.fewshot.examples
        pool = self._pool(data if examples is None else examples)
        samples = []
        for index, weight in self._chosen(data.rows):
            row, name = data.rows[index], data.ids[index]
            try:
                header = self._header(row, name, pool, index if own else None)
                sample = self._sample(row, name, header)
            except NullError as error:
                sample = self._missing(row, name, error)
            samples.append(sample if weight == 1 else replace(sample, weight=weight))
        return Built(samples, self._groups)

    def _missing(self, row: Row, name: str, error: NullError) -> Sample:
        """The sample that a null makes missing. Raises `UserError` where nulls are errors."""
        task = self.task
        key = error.where.removeprefix(f"{self._file}, ")
        if task.nulls == "error":
            raise UserError(
                f"{self._file}, {key}: task {task.task!r}, sample {name!r}: {error.what}: leave such rows out with "
                "dataset.where, write what stands for it ({{ column or '-' }}), or count them as missing with "
                "`nulls: missing`."
            ) from error
        empty: dict[str, Request] = {
            "score": Score("", ()),
            "generate": Generate(""),
            "perplexity": Perplexity(""),
        }
        return Sample(
            id=name,
            request=empty[task.request],
            cluster=_unless_null(self._cluster, row) if self._cluster else None,
            metadata={key: _unless_null(render, row) for key, render in self._metadata.items()},
            missing=f"{key}: {error.what}",
        )

    def _chosen(self, rows: Sequence[Row]) -> Iterable[tuple[int, float]]:
        """Which rows are asked, and how many each stands for."""
        limit = self.options.limit
        if limit is not None and (self.options.first or limit >= len(rows)):
            return [(index, 1.0) for index in range(min(limit, len(rows)))]
        if limit is None and self._share is None:
            return [(index, 1.0) for index in range(len(rows))]
        # Whole clusters are drawn, so that a row without one stands for itself.
        clusters = [_unless_null(self._cluster, row) if self._cluster else None for row in rows]
        if limit is not None:
            groups = self._group_names(rows)
            self._groups = len(set(groups))
            # By the seed alone, so that tasks over the same data draw the same of it.
            found = spread(groups, clusters, limit=limit, key=str(self.options.seed))
            return [(index, 1.0) for index in found]
        assert self._share is not None
        key = f"{self.options.seed}/{self.task.task}"
        found = drawn(clusters, limit=self._share.limit, each=self._share.each, key=key)
        return zip(found, weights(clusters, found), strict=True)

    def _group_names(self, rows: Sequence[Row]) -> list[str | None]:
        """What the task calls each row's group, else the config that it comes from."""
        if self._group:
            return [_unless_null(self._group, row) for row in rows]
        several = len(self.task.dataset.configs or ()) > 1
        return [str(row.get("config")) if several else None for row in rows]

    def _sample(self, row: Row, name: str, header: str) -> Sample:
        shown = self.task.options
        if self.options.variant:
            for column in (shown.column, shown.answer) if shown else ():
                if word := missing(row.get(column)):
                    raise NullError(self._key("options"), f"the column {column!r} is {word}")
            row = self.options.variant.row(self.task, row, name)
        choices = self._choice_texts(row, name)
        request, *further = (
            self._request(header + self._question(prompt, row, name), choices, row, name)
            for prompt in (self._prompt, *self._more_prompts)
        )
        pairs = self._more_pairs(row) if self._more_pairs else ()
        if missing(pairs) == "null":
            raise NullError(self._key("further"), describe(row, self._reads("further")))
        for pair in pairs if isinstance(pairs, (list, tuple)) else [pairs]:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise UserError(
                    f"{self._key('further')}: sample {name!r} gives no list of pairs of prompt and choices."
                )
            prompt, own = pair
            text = as_text(prompt, self._key("further"), row, name, self._reads)
            further.append(self._request(header + text, self._listed(own, "further", row, name), row, name))
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
            stop = task.stops(chat=chat)
            return Generate(prompt, stop, task.max_tokens, system=system, chat=chat, detail=task.detail)
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
        if few.match is not None and missing(row.get(few.match)):
            raise NullError(self._key("fewshot.match"), f"the column {few.match!r} is null")
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
            if example := self._example(pool[i], i, prompt):
                shown.append(example)
        if len(shown) < self.options.shots:
            raise UserError(
                f"{self.task.task}: {self.options.shots} shots are asked for and only {len(shown)} examples "
                f"fit sample {name!r}: lower --shots."
            )
        return instruction + "".join(example + few.separator for example in shown)

    def _example(self, row: Row, number: int, prompt: str) -> str | None:
        """An example's question and answer; None for the document itself, and for one that a null makes no example
        (`nulls: missing`)."""
        try:
            question = self._prompt(row)
            if question == prompt:  # the same document under another row number is still the document
                return None
            return question + self.task.delimiter + self._example_answer(row)
        except NullError as error:
            if self.task.nulls == "missing":
                return None
            raise NullError(error.where, f"{error.what} in example {number} (from 0)") from error

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
        return self._listed(self._choices(row), "choices", row, name)

    def _listed(self, values: Any, key: str, row: Row, name: str) -> tuple[str, ...]:
        if missing(values) == "null":
            raise NullError(self._key(key), describe(row, self._reads(key)))
        if not isinstance(values, (list, tuple)) or not values:
            raise UserError(f"{self._file}: {key} of sample {name!r} are no list, or an empty one.")
        return tuple(as_text(value, self._key(key), row, name, self._reads) for value in values)

    def _targets(self, row: Row, name: str, choices: int) -> tuple[int, ...] | tuple[str, ...]:
        if self._target is None:
            return ()
        value = self._target(row)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if any(missing(v) == "null" for v in values):
            raise NullError(self._key("target"), describe(row, self._reads("target")))
        if self.task.request != "score":
            return tuple(as_text(v, self._key("target"), row, name, self._reads) for v in values)
        shown = "" if self.task.sensitive else f" {short(value)}"
        if self.task.target_labels:
            labels = [as_label(v) for v in values]
            if None in labels:
                raise UserError(
                    f"{self._file}: target{shown} of sample {name!r} is no list of labels (0 or 1 for each choice)."
                )
            if len(labels) != choices:
                raise UserError(
                    f"{self._file}: sample {name!r} has {len(labels)} labels for {choices} choices."
                )
            return tuple(i for i, label in enumerate(labels) if label)
        numbers = [number for v in values if (number := as_index(v)) is not None]
        if len(numbers) < len(values):
            raise UserError(f"{self._file}: target{shown} of sample {name!r} is no index.")
        if any(not 0 <= number < choices for number in numbers):
            raise UserError(
                f"{self._file}: target{shown} of sample {name!r} is not among its {choices} choices "
                "(the first is 0)."
            )
        return tuple(numbers)

    def _key(self, key: str) -> str:
        return f"{self._file}, {key}"

    def _reads(self, key: str) -> Iterable[str]:
        """The columns that a key's template reads."""
        source = getattr(self.task, key, None)
        return sorted(columns_read(source)) if isinstance(source, str) else ()

    def _text(self, key: str, source: str) -> Callable[[Row], str]:
        return compile_text(source, where=self._key(key), quiet=self.task.sensitive, columns=self._columns)

    def _value(self, key: str, source: str) -> Callable[[Row], Any]:
        return compile_template(
            source, where=self._key(key), quiet=self.task.sensitive, columns=self._columns
        )


def _unless_null(render: Callable[[Row], T], row: Row) -> T | None:
    """What a template gives, or None where a null of the row keeps it from that."""
    try:
        return render(row)
    except NullError:
        return None


def where_filter(loaded: LoadedTask) -> Callable[[Mapping[str, Any]], bool] | None:
    """The dataset's `where` as a function over a row; None where it has none."""
    source = loaded.task.dataset.where
    if source is None:
        return None
    source = source if "{{" in source else "{{ " + source + " }}"
    keep = compile_template(
        source,
        where=f"{loaded.path}, dataset.where",
        quiet=loaded.task.sensitive,
        columns=loaded.task.dataset.columns,
    )

    def kept(row: Mapping[str, Any]) -> bool:
        try:
            return bool(keep(row))
        except NullError as error:
            raise UserError(
                f"{error.where}: {error.what} in a row: say what becomes of it (`column is not none and ...`)."
            ) from error

    return kept
