"""From records to what a leaderboard shows: the newest number of each model and metric, and which compare."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from lsm_eval.leaderboard.show import measured, slugs
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, TaskRow

NO_MODEL = frozenset({"builtin:uniform", "builtin:longest", "builtin:first"})
"""Rows that ask no model: what chance and shortcuts score."""

AREAS = (
    "accuracy", "quality", "translation", "summarisation", "perplexity", "hallucination", "bias", "privacy",
    "safety",
)  # fmt: skip
"""The order in which areas stand; others follow by name."""

Key = tuple[str, str]
"""Task and metric."""


@dataclass(slots=True)
class Number:
    """The newest number of one model, task and metric."""

    row: EstimateRow
    record: Record
    older: int
    """Older runs of the model that hold this number too."""
    mark: str = ""
    """`†` (or `†a`, `†b` …: numbers with the same letter compare) where it is not comparable with others."""
    why: str = ""

    @property
    def task(self) -> TaskRow:
        """How its task was asked."""
        return self.record.tasks[self.row.task]


@dataclass(slots=True)
class ModelEntry:
    """One row of the leaderboard."""

    name: str
    slug: str
    runs: tuple[Record, ...]
    """Newest first."""
    numbers: dict[Key, Number] = field(default_factory=dict)
    tables: dict[str, Record] = field(default_factory=dict)
    """For each task, the newest run that asked it."""

    @property
    def no_model(self) -> bool:
        """Whether it answers without a model."""
        return self.name in NO_MODEL

    @property
    def shown(self) -> tuple[Record, ...]:
        """Runs with at least one number on the pages, newest first."""
        used = {id(number.record) for number in self.numbers.values()}
        return tuple(run for run in self.runs if id(run) in used)

    @property
    def older(self) -> int:
        """Runs of which a newer run has replaced a number or all."""
        current = {(key, id(number.record)) for key, number in self.numbers.items()}
        return sum(
            any(((row.task, row.metric), id(run)) not in current for row in run.estimates)
            for run in self.runs
        )

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of the runs shown: more than one means that the name stands for different weights or settings."""
        return tuple(dict.fromkeys(run.manifest.model.fingerprint for run in self.shown))


@dataclass(frozen=True, slots=True)
class Column:
    """One task on the front page, by its primary metric."""

    row: EstimateRow
    """From the newest run that has it; its title, area, unit and direction are the column's."""
    task: TaskRow
    slug: str

    @property
    def key(self) -> Key:
        """Task and metric."""
        return self.row.task, self.row.metric


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the pages show."""

    records: tuple[Record, ...]
    models: tuple[ModelEntry, ...]
    """By name, the rows without a model last."""
    columns: tuple[Column, ...]
    """By area, then task."""
    task_slugs: dict[str, str]

    @property
    def areas(self) -> list[tuple[str, list[Column]]]:
        """The columns, grouped."""
        groups: dict[str, list[Column]] = defaultdict(list)
        for column in self.columns:
            groups[column.row.area].append(column)
        return list(groups.items())


def collect(records: Sequence[Record]) -> Board:
    """The board of these records (at least one)."""
    newest_first = sorted(
        records, key=lambda run: (run.created, run.manifest.run, str(run.folder)), reverse=True
    )
    runs: dict[str, list[Record]] = defaultdict(list)
    columns: dict[str, tuple[EstimateRow, TaskRow]] = {}
    for record in newest_first:
        runs[record.manifest.model.name].append(record)
        primary: dict[str, EstimateRow] = {}
        for row in record.estimates:
            primary.setdefault(row.task, row)
        for task, row in primary.items():
            columns.setdefault(task, (row, record.tasks[task]))
    model_slugs, task_slugs = slugs(runs), slugs(task for run in records for task in run.tasks)
    models = [_entry(name, model_slugs[name], tuple(own)) for name, own in runs.items()]
    models.sort(key=lambda model: (model.no_model, model.name.casefold(), model.name))
    _mark(models)
    ordered = sorted(columns, key=lambda task: (area_order(columns[task][0].area), task))
    return Board(
        records=tuple(newest_first),
        models=tuple(models),
        columns=tuple(Column(*columns[task], task_slugs[task]) for task in ordered),
        task_slugs=task_slugs,
    )


def area_order(area: str) -> tuple[int, str]:
    """Sort key of an area."""
    return (AREAS.index(area) if area in AREAS else len(AREAS), area)


def comparable(row: EstimateRow) -> tuple[str, ...]:
    """The parts of a number's signature (separated by spaces) that must agree: all but the model's."""
    return tuple(part for part in row.signature.split() if not part.startswith("model:"))


def _entry(name: str, slug: str, runs: tuple[Record, ...]) -> ModelEntry:
    model = ModelEntry(name, slug, runs)
    for run in runs:
        for task in run.tasks:
            model.tables.setdefault(task, run)
        for row in run.estimates:
            key = (row.task, row.metric)
            if key in model.numbers:
                model.numbers[key].older += 1
            else:
                model.numbers[key] = Number(row, run, older=0)
    return model


def _mark(models: Sequence[ModelEntry]) -> None:
    """Mark the numbers that don't compare with most of their column.

    The signature that most numbers share goes unmarked; if two are equally frequent, none is the norm and
    all are marked.
    """
    columns: dict[Key, list[Number]] = defaultdict(list)
    for model in models:
        for key, number in model.numbers.items():
            if measured(number.row):
                columns[key].append(number)
    for numbers in columns.values():
        groups = Counter(comparable(number.row) for number in numbers)
        if len(groups) < 2:
            continue
        (top, most), (_, second) = groups.most_common(2)
        norm = top if most > second else None
        marked = [signature for signature in sorted(groups) if signature != norm]
        for number in numbers:
            own = comparable(number.row)
            if own == norm:
                continue
            number.mark = "†" if len(marked) == 1 else f"†{_letters(marked.index(own))}"
            number.why = _difference(own, norm if norm is not None else _other(own, marked), norm is None)


def _other(own: tuple[str, ...], signatures: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return next(signature for signature in signatures if signature != own)


def _difference(own: tuple[str, ...], other: tuple[str, ...], tied: bool) -> str:
    here = [part for part in own if part not in other] or ["nothing more"]
    there = [part for part in other if part not in own] or ["nothing more"]
    others = "another" if tied else "most others"
    return f"not comparable: here {', '.join(here)}; {others} in this column {', '.join(there)}"


def _letters(index: int) -> str:
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("a") + rest) + name
    return name
