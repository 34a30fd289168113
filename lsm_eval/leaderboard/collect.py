"""From records to what a leaderboard shows: the best founded number of each model and metric, and which compare."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lsm_eval.comparison.releases import RELEASE, comparable_parts, engine
from lsm_eval.comparison.signature import parts
from lsm_eval.leaderboard.founded import departures, rank
from lsm_eval.leaderboard.naming import Identity, identity, row_names, source_name
from lsm_eval.leaderboard.show import measured, slugs
from lsm_eval.leaderboard.table.ranks import ColumnRanks
from lsm_eval.results.profile_rows import unranked
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, TaskRow

NO_MODEL = frozenset({"builtin:uniform", "builtin:longest", "builtin:first", "builtin:says_no"})
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
    """The best founded number of one model, task and metric (`founded.rank`)."""

    row: EstimateRow
    record: Record
    others: tuple[tuple[EstimateRow, Record], ...] = ()
    """What other runs of the model say of it, better founded ones first."""
    mark: str = ""
    """`†` (or `†a`, `†b` …: numbers with the same letter compare) where it is not comparable with others."""
    why: str = ""

    @property
    def task(self) -> TaskRow:
        """How its task was asked."""
        return self.record.tasks[self.row.task]

    @property
    def departures(self) -> tuple[str, ...]:
        """In what it was asked otherwise than the task asks by itself."""
        return departures(self.record, self.row.task)


@dataclass(slots=True)
class ModelEntry:
    """One row of the leaderboard."""

    name: str
    """No other row's (`naming.row_names`)."""
    slug: str
    runs: tuple[Record, ...]
    """Newest first."""
    numbers: dict[Key, Number] = field(default_factory=dict)
    tables: dict[str, Record] = field(default_factory=dict)
    """For each task, the run whose numbers of it are best founded."""

    @property
    def no_model(self) -> bool:
        """Whether it answers without a model."""
        return source_name(self.runs[0].manifest.model) in NO_MODEL

    def pages(self) -> list[tuple[str, Record, str]]:
        """Task, run and file name (without suffix) of each sample page: of every run that gives a number of the task,
        so that a number and the samples that it links to are of one run."""
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
        """Tasks that runs were to ask and none could, and why the newest could not."""
        rows = [row for run in reversed(self.runs) for row in run.manifest.left_out]
        return {row.task: row.why for row in rows if row.task not in self.tables}

    @property
    def shown(self) -> tuple[Record, ...]:
        """Runs with at least one number on the pages, newest first."""
        used = {id(number.record) for number in self.numbers.values()}
        return tuple(run for run in self.runs if id(run) in used)

    @property
    def behind(self) -> int:
        """Runs with a number that does not stand on the pages, because another run's is better founded."""
        current = {(key, id(number.record)) for key, number in self.numbers.items()}
        return sum(
            any(((row.task, row.metric), id(run)) not in current for row in rows_of(run)) for run in self.runs
        )

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of the runs shown: of a built-in model there can be several, by different versions of lsm-eval."""
        return tuple(dict.fromkeys(run.manifest.model.fingerprint for run in self.shown))


@dataclass(frozen=True, slots=True)
class Column:
    """One task on the front page, by its primary metric."""

    row: EstimateRow
    """From the newest run that has it; its title, area, unit and direction are the column's."""
    task: TaskRow
    slug: str
    likelihood: str = ""
    """See `likelihood`, or `generated` where choices were written: a task has a column for each kind."""

    @property
    def key(self) -> Key:
        """Task and metric."""
        return self.row.task, self.row.metric

    @property
    def card(self) -> str:
        """Name of the place on the page that says what the column is."""
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
    """By the column's id on the front page (`table.cell.TableColumn.id`); a column without one has no ranks."""
    unshown: frozenset[str] = frozenset()
    """Tasks whose texts no page shows, since the licence of the data does not let others be shown them, as any run has it: early
    records of the same texts do not say so."""

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
    runs: dict[Identity, list[Record]] = defaultdict(list)
    columns: dict[tuple[str, str], tuple[EstimateRow, TaskRow]] = {}
    for record in newest_first:
        runs[identity(record)].append(record)
        primary: dict[tuple[str, str], EstimateRow] = {}
        for row in rows_of(record):
            primary.setdefault((row.task, _kind(row, record)), row)
        for column, row in primary.items():
            columns.setdefault(column, (row, record.tasks[row.task]))
    names = row_names([own[0] for own in runs.values()])
    model_slugs, task_slugs = slugs(names), slugs(task for run in records for task in run.tasks)
    models = [
        _entry(name, model_slugs[name], tuple(own)) for name, own in zip(names, runs.values(), strict=True)
    ]
    models.sort(key=lambda model: (model.no_model, model.name.casefold(), model.name))
    _mark(models)
    ordered = sorted(columns, key=lambda column: (area_order(columns[column][0].area), column))
    return Board(
        records=tuple(newest_first),
        models=tuple(models),
        columns=tuple(Column(*columns[task, kind], task_slugs[task], kind) for task, kind in ordered),
        task_slugs=task_slugs,
        unshown=frozenset(
            row.task for run in newest_first for row in run.manifest.tasks if not row.redistributable
        ),
    )


def area_order(area: str) -> tuple[int, str]:
    """Sort key of an area."""
    return (AREAS.index(area) if area in AREAS else len(AREAS), area)


def likelihood(row: EstimateRow, record: Record) -> str:
    """What the log-probabilities that it rests on are of (`models.base.LikelihoodKind`), as its signature says; empty
    where they are a causal model's, or where it rests on written text."""
    if "likelihood:" not in row.signature or record.tasks[row.task].request == "generate":
        return ""
    kinds = (part.removeprefix("likelihood:") for part in row.signature.split() if "likelihood:" in part)
    return next(kinds, "")


def _kind(row: EstimateRow, record: Record) -> str:
    """What a task's columns are told apart by: what a number rests on."""
    return likelihood(row, record) or ("generated" if record.tasks[row.task].choices else "")


def rows_of(record: Record) -> list[EstimateRow]:
    """The record's numbers. Pseudo-likelihoods and likelihoods given an encoder's reading are other quantities than a
    causal model's: what rests on them is a metric of its own, so that the two never share a column."""
    rows = []
    for row in record.estimates:
        kind = likelihood(row, record)
        rows.append(row.model_copy(update={"metric": f"{row.metric} ({kind})"}) if kind else row)
    return rows


def comparable(row: EstimateRow) -> tuple[str, ...]:
    """The parts of a number's signature that must agree (`comparison.releases.alike`)."""
    return comparable_parts(row.signature)


def _entry(name: str, slug: str, runs: tuple[Record, ...]) -> ModelEntry:
    model = ModelEntry(name, slug, runs)
    tasks = dict.fromkeys(task for run in runs for task in run.tasks)
    rows: dict[tuple[int, str], list[EstimateRow]] = defaultdict(list)
    for run in runs:
        for row in rows_of(run):
            rows[id(run), row.task].append(row)
    for task in tasks:
        asked = [run for run in runs if task in run.tasks]
        if len(asked) > 1:
            asked.sort(key=lambda run: rank(run, task), reverse=True)
        model.tables[task] = asked[0]
        found: dict[Key, list[tuple[EstimateRow, Record]]] = defaultdict(list)
        for run in asked:
            for row in rows.get((id(run), task), ()):
                found[row.task, row.metric].append((row, run))
        for key, own in found.items():
            own.sort(key=lambda one: not measured(one[0]))
            model.numbers[key] = Number(*own[0], others=tuple(own[1:]))
    return model


def _mark(models: Sequence[ModelEntry]) -> None:
    """Mark the numbers that don't compare with most of their column.

    The signature that most numbers share goes unmarked; if two are equally frequent, none is the norm and
    all are marked. So are a profile's numbers that are kept out of rankings (client-bound, stopped, too few), whatever they share.
    """
    columns: dict[Key, list[Number]] = defaultdict(list)
    for model in models:
        for key, number in model.numbers.items():
            if not measured(number.row):
                continue
            if out := unranked(number.row.signature):
                number.mark, number.why = (
                    "†",
                    f"kept out of rankings: {out.replace('_', '-').replace('+', ', ')}",
                )
                continue
            columns[key].append(number)
    for numbers in columns.values():
        keys = _keys(numbers)
        groups = Counter(keys)
        if len(groups) < 2:
            continue
        (top, most), (_, second) = groups.most_common(2)
        norm = top if most > second else None
        marked = [signature for signature in sorted(groups) if signature != norm]
        for number, own in zip(numbers, keys, strict=True):
            if own == norm:
                continue
            number.mark = "†" if len(marked) == 1 else f"†{_letters(marked.index(own))}"
            number.why = _difference(own, norm if norm is not None else _other(own, marked), norm is None)


def _keys(numbers: Sequence[Number]) -> list[tuple[str, ...]]:
    """What must agree for two numbers of a column to compare. Of another release than most of those that are alike, a number
    compares if its engine is one of theirs."""
    keys = [comparable(number.row) for number in numbers]
    made_by = [(_release(number.row), engine(number.record)) for number in numbers]
    releases: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    engines: dict[tuple[tuple[str, ...], str], set[str | None]] = defaultdict(set)
    for key, (release, own) in zip(keys, made_by, strict=True):
        releases[key][release] += 1
        engines[key, release].add(own)
    most = {key: max(found, key=lambda release: (found[release], release)) for key, found in releases.items()}
    found = []
    for key, (release, own) in zip(keys, made_by, strict=True):
        usual = most[key]
        known = engines[key, usual]
        if release != usual and own is not None and None not in known and own not in known:
            key = (*key, f"{RELEASE}:{release}", f"engine:{own.replace(' ', '_')}")
        found.append(key)
    return found


def _release(row: EstimateRow) -> str:
    return parts(row.signature).get(RELEASE, "")


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
