"""The outcomes of every task of a board; each table is read once, however many pages need it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from lsm_eval.leaderboard.board import Board, likelihood
from lsm_eval.leaderboard.outcomes.outcome import Field, SampleOutcomes, field_of, graded, read
from lsm_eval.leaderboard.site import Site
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow

Showing = Callable[[Record, Path], AbstractContextManager[None]]
"""Context manager for code that may fail because of a record (`site.Site.showing`)."""


@dataclass(frozen=True, slots=True)
class TaskField:
    """One task."""

    field: Field
    """Its models are slugs."""
    metric: str | None
    """The metric by which samples are right or wrong, if it is the same for all models; None otherwise."""


class Fields:
    """The outcomes of a board's tasks, without the baseline rows that have no model."""

    def __init__(self, board: Board, showing: Showing, shows: Callable[[str, str], bool]) -> None:
        """`shows`: whether a model's samples of a task have a page; on large boards only these are read."""
        self._board = board
        self._showing = showing
        self._shows = shows
        self._found: dict[str, TaskField] = {}

    def of(self, task: str) -> TaskField:
        """The task's outcomes; without any model if its samples are not graded right or wrong."""
        if task not in self._found:
            self._found[task] = self._read(task)
        return self._found[task]

    def own(self, task: str, record: Record) -> SampleOutcomes | None:
        """The outcomes of one record of a model; None if its samples are not graded right or wrong."""
        row = first_row(record, task)
        return read(record, row, sample_metric(row, record)) if row is not None and graded(row) else None

    def _read(self, task: str) -> TaskField:
        answered: list[tuple[str, SampleOutcomes]] = []
        metrics: dict[str, None] = {}
        for model in self._board.models:
            record = model.tables.get(task)
            if model.no_model or record is None or not self._shows(model.slug, task):
                continue
            if not record.has_samples(task):
                continue
            with self._showing(record, record.sample_file(task)):
                own = self.own(task, record)
                row = first_row(record, task)
                if own is not None and row is not None:
                    answered.append((model.slug, own))
                    metrics.setdefault(row.metric)
        return TaskField(field_of(answered), next(iter(metrics)) if len(metrics) == 1 else None)


_FIELDS: WeakKeyDictionary[Site, Fields] = WeakKeyDictionary()


def fields_of(board: Board, site: Site) -> Fields:
    """The outcomes of the site's board, shared by all its pages."""
    if site not in _FIELDS:
        _FIELDS[site] = Fields(board, site.showing, site.shows)
    return _FIELDS[site]


def first_row(record: Record, task: str) -> EstimateRow | None:
    """The task's first metric."""
    return next(iter(record.by_task.get(task, ())), None)


def sample_metric(row: EstimateRow, record: Record) -> str:
    """The metric's name in sample tables: numbers from pseudo-likelihoods are shown under another name."""
    kind = likelihood(row, record)
    return row.metric.removesuffix(f" ({kind})") if kind else row.metric
