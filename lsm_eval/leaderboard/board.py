"""What a leaderboard shows: its models, columns and numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from lsm_eval.leaderboard.naming import source_name
from lsm_eval.leaderboard.precedence import departures
from lsm_eval.leaderboard.table.ranks import ColumnRanks
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, TaskRow

NO_MODEL = frozenset({"builtin:uniform", "builtin:longest", "builtin:first", "builtin:says_no"})
"""Baseline rows without a model, which show what chance and shortcuts score."""

AREAS = (
    "accuracy", "quality", "translation", "summarisation", "perplexity", "hallucination", "bias", "privacy",
    "safety",
)  # fmt: skip
"""The order of areas; others follow by name."""

Key = tuple[str, str]
"""Task and metric."""


@dataclass(slots=True)
class Number:
    """The best founded number of one model, task and metric (`precedence.rank`)."""

    row: EstimateRow
    record: Record
    others: tuple[tuple[EstimateRow, Record], ...] = ()
    """The same number from other runs of the model, better founded ones first."""
    mark: str = ""
    """`†` if it is not comparable with others (or `†a`, `†b` …: numbers with the same letter are comparable)."""
    why: str = ""

    @property
    def task(self) -> TaskRow:
        """How its task was asked."""
        return self.record.tasks[self.row.task]

    @property
    def departures(self) -> tuple[str, ...]:
        """The settings in which its run differs from the task's own."""
        return departures(self.record, self.row.task)


@dataclass(slots=True)
class ModelEntry:
    """One row of the leaderboard."""

    name: str
    """Unique among the rows (`naming.row_names`)."""
    slug: str
    runs: tuple[Record, ...]
    """Newest first."""
    numbers: dict[Key, Number] = field(default_factory=dict)
    tables: dict[str, Record] = field(default_factory=dict)
    """For each task, the run whose numbers of it are best founded."""

    @property
    def no_model(self) -> bool:
        """Whether it is a baseline without a model."""
        return source_name(self.runs[0].manifest.model) in NO_MODEL

    def pages(self) -> list[tuple[str, Record, str]]:
        """Task, run and file name (without suffix) of each sample page: for every run that gives a number of the task,
        so that a number and the samples that it links to are from the same run."""
        found: list[tuple[str, Record, str]] = []
        numbers: dict[str, list[Number]] = {}
        for number in self.numbers.values():
            numbers.setdefault(number.row.task, []).append(number)
        for task, best in self.tables.items():
            runs = [best]
            for number in numbers.get(task, ()):
                if all(number.record is not run for run in runs):
                    runs.append(number.record)
            found += [(task, run, "" if n == 0 else f".{n + 1}") for n, run in enumerate(runs)]
        return found

    @property
    def not_run(self) -> dict[str, str]:
        """Tasks that every run had to leave out, and the newest run's reason."""
        rows = [row for run in reversed(self.runs) for row in run.manifest.left_out]
        return {row.task: row.why for row in rows if row.task not in self.tables}

    @property
    def shown(self) -> tuple[Record, ...]:
        """Runs with at least one number on the pages, newest first."""
        used = {id(number.record) for number in self.numbers.values()}
        return tuple(run for run in self.runs if id(run) in used)

    @property
    def behind(self) -> int:
        """Number of runs with a number that is not shown, because another run's is better founded."""
        current = {(key, id(number.record)) for key, number in self.numbers.items()}
        return sum(
            any(((row.task, row.metric), id(run)) not in current for row in rows_of(run)) for run in self.runs
        )

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Fingerprints of the runs shown; a built-in model can have several, from different versions of lsm-eval."""
        return tuple(dict.fromkeys(run.manifest.model.fingerprint for run in self.shown))


@dataclass(frozen=True, slots=True)
class Column:
    """One task on the front page, by its primary metric."""

    row: EstimateRow
    """From the newest run that has it; gives the column's title, area, unit and direction."""
    task: TaskRow
    slug: str
    likelihood: str = ""
    """See the function `likelihood`, or `generated` if the model wrote its choices: a task has a column for each kind."""

    @property
    def key(self) -> Key:
        """Task and metric."""
        return self.row.task, self.row.metric

    @property
    def card(self) -> str:
        """Id of the element on the page that describes the column."""
        return f"task-{self.slug}{f'-{self.likelihood}' if self.likelihood else ''}"


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the pages show."""

    records: tuple[Record, ...]
    models: tuple[ModelEntry, ...]
    """By name, the rows without a model last."""
    columns: tuple[Column, ...]
    """By area, then task."""
    task_slugs: dict[str, str]
    ranks: Mapping[str, ColumnRanks] = field(default_factory=dict)
    """By the column's id on the front page (`table.cell.TableColumn.id`); columns that are not in it have no ranks."""
    unshown: frozenset[str] = frozenset()
    """Tasks whose texts no page shows, because any run says that the licence of the data forbids it; early records of the same texts do
    not say so."""

    @property
    def areas(self) -> list[tuple[str, list[Column]]]:
        """The columns by area."""
        groups: dict[str, list[Column]] = defaultdict(list)
        for column in self.columns:
            groups[column.row.area].append(column)
        return list(groups.items())


def area_order(area: str) -> tuple[int, str]:
    """Sort key of an area."""
    return (AREAS.index(area) if area in AREAS else len(AREAS), area)


def likelihood(row: EstimateRow, record: Record) -> str:
    """The kind of log-probabilities behind a number (`models.base.LikelihoodKind`), from its signature; empty for a causal
    model's, and for numbers from generated text."""
    if "likelihood:" not in row.signature or record.tasks[row.task].request == "generate":
        return ""
    kinds = (part.removeprefix("likelihood:") for part in row.signature.split() if "likelihood:" in part)
    return next(kinds, "")


def rows_of(record: Record) -> list[EstimateRow]:
    """The record's numbers. Pseudo-likelihoods and likelihoods of encoder-decoder models are other quantities than a causal model's: numbers from
    them are separate metrics, so that the two never share a column."""
    rows = []
    for row in record.estimates:
        kind = likelihood(row, record)
        rows.append(row.model_copy(update={"metric": f"{row.metric} ({kind})"}) if kind else row)
    return rows
