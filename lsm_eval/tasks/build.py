"""Builds samples from a task and its rows: assembles prompts, picks examples, checks choices and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsm_eval.errors import UserError
from lsm_eval.requests import Generate, Perplexity, Request, Score
from lsm_eval.tasks import chosen
from lsm_eval.tasks.choices import Choices
from lsm_eval.tasks.draw import drawn, spread, weights
from lsm_eval.tasks.examples import Examples, Wording
from lsm_eval.tasks.limit import Limit, samples_of
from lsm_eval.tasks.registry import LoadedTask
from lsm_eval.tasks.sample import Sample
from lsm_eval.tasks.templates import Templates
from lsm_eval.templates.missing import NullError, describe, missing
from lsm_eval.templates.render import Row, compile_template
from lsm_eval.templates.values import as_text

if TYPE_CHECKING:
    from lsm_eval.tasks.schema import Task

T = TypeVar("T")


class Rows(Protocol):
    """Rows of a dataset and, parallel to them, their names."""

    @property
    def rows(self) -> Sequence[Row]: ...

    @property
    def ids(self) -> Sequence[str]: ...


class Variation(Protocol):
    """Another wording of a task's questions (`robustness.variant`)."""

    def row(self, task: Task, row: Row, sample: str) -> Row:
        """The row from which everything is rendered."""
        ...

    def question(self, task: Task, prompt: Callable[[Row], str], row: Row, sample: str) -> str:
        """The prompt of a row in the other wording."""
        ...


@dataclass(frozen=True)
class BuildOptions:
    """Options of a run about a task's prompts."""

    shots: int
    seed: int = 0
    limit: Limit | None = None
    """Number or share of samples, drawn over the task's groups and clusters; None for the task's share, or all."""
    chosen: Sequence[str] | None = None
    """Only the samples with these ids."""
    first: bool = False
    """Take the first samples up to the limit instead of drawing."""
    chat: bool = False
    variant: Variation | None = None
    """The change made to its questions."""
    examples: Wording | None = None
    """The wording of its examples; None for the task's own wording."""


@dataclass(frozen=True, slots=True)
class Built:
    """A task's samples, in the order of its rows."""

    samples: list[Sample]
    groups: int | None
    """Number of groups over which the limit drew the samples; None if no limit did."""


def build_samples(
    loaded: LoadedTask, data: Rows, examples: Rows | None, options: BuildOptions
) -> list[Sample]:
    """The samples of `build`."""
    return build(loaded, data, examples, options).samples


def build(loaded: LoadedTask, data: Rows, examples: Rows | None, options: BuildOptions) -> Built:
    """Builds the task's samples, and says how they were drawn.

    `examples` are the rows that examples are taken from; None for the evaluated rows themselves.
    A sample whose texts would contain a null is missing (`Sample.missing`) if the task says `nulls: missing`.
    Raises `UserError` for such a sample otherwise, for a template that fails, choices that are not a list, a target that
    is no index or out of range, and for more shots than there are examples.
    """
    return _Builder(loaded, options).build(data, examples)


class _Builder:
    def __init__(self, loaded: LoadedTask, options: BuildOptions) -> None:
        task = self.task = loaded.task
        self.options, self._share = options, loaded.share
        templates = self._templates = Templates(loaded)
        self._prompt = templates.text("prompt", task.prompt)
        listed = () if isinstance(task.further, str) else task.further
        self._more_prompts = [templates.text(f"further.{i}", t) for i, t in enumerate(listed)]
        self._more_pairs = templates.value("further", task.further) if isinstance(task.further, str) else None
        self._instruction = templates.text("instruction", task.instruction)
        self._system = templates.text("system", task.system) if task.system is not None else None
        self._cluster = templates.text("cluster", task.cluster) if task.cluster is not None else None
        self._group = templates.text("group", task.group) if task.group is not None else None
        self._groups: int | None = None
        self._metadata = {name: templates.value(f"metadata.{name}", t) for name, t in task.metadata.items()}
        self._choices = Choices(templates)
        self._examples = Examples(
            templates,
            self._choices,
            self._prompt,
            shots=options.shots,
            seed=options.seed,
            wording=options.examples,
        )

    def build(self, data: Rows, examples: Rows | None) -> Built:
        own = examples is None and not self.task.fewshot.examples
        pool = self.task.fewshot.examples or (data if examples is None else examples).rows
        samples = []
        for index, weight in self._chosen(data.rows, data.ids):
            row, name = data.rows[index], data.ids[index]
            try:
                header = self._instruction(row)
                header += self._examples.before(row, name, pool, index if own else None)
                sample = self._sample(row, name, header)
            except NullError as error:
                sample = self._missing(row, name, error)
            samples.append(sample if weight == 1 else replace(sample, weight=weight))
        return Built(samples, self._groups)

    def _missing(self, row: Row, name: str, error: NullError) -> Sample:
        """The sample that is missing because of a null. Raises `UserError` if the task takes nulls as errors."""
        task = self.task
        key = error.where.removeprefix(f"{self._templates.file}, ")
        if task.nulls == "error":
            raise UserError(
                f"{self._templates.file}, {key}: task {task.task!r}, sample {name!r}: {error.what}: leave such rows out with "
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

    def _chosen(self, rows: Sequence[Row], ids: Sequence[str]) -> Iterable[tuple[int, float]]:
        """Index of each row that is asked, and its weight."""
        if self.options.chosen is not None:
            return [(index, 1.0) for index in chosen.indices(self.options.chosen, ids, self.task.task)]
        limit = None if self.options.limit is None else samples_of(self.options.limit, len(rows))
        if limit is not None and (self.options.first or limit >= len(rows)):
            return [(index, 1.0) for index in range(min(limit, len(rows)))]
        if limit is None and self._share is None:
            return [(index, 1.0) for index in range(len(rows))]
        # A row without a cluster is drawn by itself.
        clusters = [_unless_null(self._cluster, row) if self._cluster else None for row in rows]
        if limit is not None:
            groups = self._group_names(rows)
            self._groups = len(set(groups))
            # By the seed alone, so that tasks over the same data draw the same samples.
            found = spread(groups, clusters, limit=limit, key=str(self.options.seed))
            return [(index, 1.0) for index in found]
        assert self._share is not None
        key = f"{self.options.seed}/{self.task.task}"
        found = drawn(clusters, limit=self._share.limit, each=self._share.each, key=key)
        return zip(found, weights(clusters, found), strict=True)

    def _group_names(self, rows: Sequence[Row]) -> list[str | None]:
        """The name of each row's group, by the task's `group` or else its config."""
        if self._group:
            return [_unless_null(self._group, row) for row in rows]
        several = len(self.task.dataset.configs or ()) > 1
        return [str(row.get("config")) if several else None for row in rows]

    def _sample(self, row: Row, name: str, header: str) -> Sample:
        shown = self.task.options
        if self.options.variant:
            for column in (shown.column, shown.answer) if shown else ():
                if word := missing(row.get(column)):
                    raise NullError(self._templates.key("options"), f"the column {column!r} is {word}")
            row = self.options.variant.row(self.task, row, name)
        choices = self._choices.texts(row, name)
        request, *further = (
            self._request(header + self._question(prompt, row, name), choices, row, name)
            for prompt in (self._prompt, *self._more_prompts)
        )
        pairs = self._more_pairs(row) if self._more_pairs else ()
        if missing(pairs) == "null":
            raise NullError(self._templates.key("further"), describe(row, self._templates.reads("further")))
        for pair in pairs if isinstance(pairs, (list, tuple)) else [pairs]:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise UserError(
                    f"{self._templates.key('further')}: sample {name!r} gives no list of pairs of prompt and choices."
                )
            prompt, own = pair
            text = as_text(prompt, self._templates.key("further"), row, name, self._templates.reads)
            further.append(
                self._request(header + text, self._choices.listed(own, "further", row, name), row, name)
            )
        further += self._drawn(request)
        return Sample(
            id=name,
            request=request,
            target=self._choices.targets(row, name, len(choices)),
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
            # In a chat the reply is a new message, without a delimiter after the question.
            delimiter = "" if chat else task.delimiter
            continuations = tuple(delimiter + choice for choice in choices)
            if "" in continuations:
                raise UserError(
                    f"{self._templates.file}: choice {continuations.index('')} of sample {name!r} is empty, and nothing of it "
                    "can be scored: leave out such rows with dataset.where, or set a delimiter."
                )
            return Score(prompt, continuations, chat=chat)
        if task.request == "generate":
            system = self._system(row) if self._system else None
            stop = task.stops(chat=chat)
            return Generate(prompt, stop, task.max_tokens, system=system, chat=chat, detail=task.detail)
        return Perplexity(prompt, detail=task.detail)

    def _drawn(self, greedy: Request) -> list[Request]:
        """The requests of the task's draws, each with a random stream of its own."""
        draws = self.task.draws
        if draws is None or not isinstance(greedy, Generate):
            return []
        seeds = range(self.options.seed + 1, self.options.seed + 1 + draws.n)
        return [
            replace(greedy, temperature=draws.temperature, top_p=draws.top_p, seed=seed) for seed in seeds
        ]


def _unless_null(render: Callable[[Row], T], row: Row) -> T | None:
    """The value of a template; None if a null in the row prevents it."""
    try:
        return render(row)
    except NullError:
        return None


def where_filter(loaded: LoadedTask) -> Callable[[Mapping[str, Any]], bool] | None:
    """The dataset's `where` as a function over a row; None if it has none."""
    source = loaded.task.dataset.where
    if source is None:
        return None
    source = source if "{{" in source else "{{ " + source + " }}"
    keep = compile_template(
        source,
        where=f"{loaded.path}, dataset.where",
        quiet=loaded.task.sensitive,
        columns=loaded.task.dataset.columns,
        own=loaded.own,
    )

    def kept(row: Mapping[str, Any]) -> bool:
        try:
            return bool(keep(row))
        except NullError as error:
            raise UserError(
                f"{error.where}: {error.what} in a row: say what becomes of it (`column is not none and ...`)."
            ) from error

    return kept
