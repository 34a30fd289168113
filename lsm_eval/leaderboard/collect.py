"""Collects what a leaderboard shows from records: the best founded number of each model and metric, and which are comparable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lsm_eval.leaderboard.board import Board, Column, Key, ModelEntry, Number, area_order, likelihood, rows_of
from lsm_eval.leaderboard.marking import mark_incomparable
from lsm_eval.leaderboard.naming import Identity, identity, row_names
from lsm_eval.leaderboard.precedence import rank
from lsm_eval.leaderboard.show import measured, slugs
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow, TaskRow


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
    mark_incomparable(models)
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


def _kind(row: EstimateRow, record: Record) -> str:
    """What distinguishes a task's columns: the kind of answer behind a number."""
    return likelihood(row, record) or ("generated" if record.tasks[row.task].choices else "")


def _entry(name: str, slug: str, runs: tuple[Record, ...]) -> ModelEntry:
    model = ModelEntry(name, slug, runs)
    tasks = dict.fromkeys(task for run in runs for task in run.tasks)
    rows: dict[tuple[int, str], list[EstimateRow]] = defaultdict(list)
    for run in runs:
        for row in rows_of(run):
            rows[id(run), row.task].append(row)
    for task in tasks:
        with_task = [run for run in runs if task in run.tasks]
        if len(with_task) > 1:
            with_task.sort(key=lambda run: rank(run, task), reverse=True)
        model.tables[task] = with_task[0]
        found: dict[Key, list[tuple[EstimateRow, Record]]] = defaultdict(list)
        for run in with_task:
            for row in rows.get((id(run), task), ()):
                found[row.task, row.metric].append((row, run))
        for key, own in found.items():
            own.sort(key=lambda one: not measured(one[0]))
            model.numbers[key] = Number(*own[0], others=tuple(own[1:]))
    return model
