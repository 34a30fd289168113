"""The ranks of a whole board: each task's samples are read once, and every metric and mean is ranked on the way."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.leaderboard.board import Board, Column, Key
from lsm_eval.leaderboard.ranking.columns import ColumnRanking, ComparableGroup, rank_column
from lsm_eval.leaderboard.ranking.means import Mean
from lsm_eval.leaderboard.ranking.scores import Held, Scores, by_task, read_scores


@dataclass(frozen=True, slots=True)
class Ranking:
    """The ranks of a board."""

    columns: dict[Key, ColumnRanking] = field(default_factory=dict)
    """Every task and metric for which a model has a number."""
    means: dict[str, ColumnRanking] = field(default_factory=dict)
    """By the mean's name."""


def rank_board(
    board: Board,
    means: Mapping[str, Sequence[Column]] | None = None,
    *,
    aggregates: Aggregates | None = None,
    digest: Callable[[Scores], Any] | None = None,
    keep: Callable[[Any], None] | None = None,
) -> Ranking:
    """Ranks of all columns of the board, and of the `means` over some of them. `digest` gets the scores of each task, which are dropped
    afterwards; `keep` gets what `digest` returned, task by task. On large boards `digest` runs in another process."""
    made = Ranking()
    under_way = {name: Mean(board, columns) for name, columns in (means or {}).items() if len(columns) > 1}
    wanted: dict[Key, list[tuple[Mean, Column]]] = {}
    for name, mean in under_way.items():
        for column in (means or {})[name]:
            wanted.setdefault(column.key, []).append((mean, column))
    work = _Work(board, by_task(board), aggregates or Aggregates(), frozenset(wanted), digest)
    tasks = [task for task in board.task_slugs if task in work.held]
    for task, done in zip(tasks, _each(work, tasks), strict=True):
        for metric, own in done.columns.items():
            made.columns[task, metric] = own
        for metric, group in done.groups.items():
            for mean, column in wanted[task, metric]:
                mean.add(column, group)
        if keep is not None:
            keep(done.digest)
    for name, columns in (means or {}).items():
        if len(columns) == 1:
            made.means[name] = made.columns.get(columns[0].key, ColumnRanking({}, {}))
        elif name in under_way:
            made.means[name] = under_way[name].made()
    return made


@dataclass(frozen=True, slots=True)
class _TaskRanking:
    """The ranks of one task."""

    columns: dict[str, ColumnRanking]
    """By metric."""
    groups: dict[str, ComparableGroup]
    """By metric, only for metrics that a mean includes: the models that are comparable with most of the column."""
    digest: Any


@dataclass(frozen=True, slots=True)
class _Work:
    board: Board
    held: Held
    aggregates: Aggregates
    wanted: frozenset[Key]
    digest: Callable[[Scores], Any] | None

    def __call__(self, task: str, threads: int | None = None) -> _TaskRanking:
        scores = read_scores(task, self.held[task], self.aggregates, threads)
        columns: dict[str, ColumnRanking] = {}
        groups: dict[str, ComparableGroup] = {}
        metrics = dict.fromkeys(number.row.metric for _, numbers in self.held[task] for number in numbers)
        for metric in metrics:
            columns[metric], found = rank_column(self.board, scores, metric)
            if (task, metric) in self.wanted:
                main = next((group for group in found if group.mark == ""), None)
                if main is not None:
                    groups[metric] = main
        return _TaskRanking(columns, groups, None if self.digest is None else self.digest(scores))


def _each(work: _Work, tasks: Sequence[str]) -> Iterator[_TaskRanking]:
    """Each task's ranks, in order. Many tables are read in forks of this process, if it can fork and has only one thread."""
    tables = sum(len(work.held[task]) for task in tasks)
    count = min(os.cpu_count() or 1, _MOST, len(tasks))
    if (
        tables < MANY_TABLES
        or count < 2
        or sys.platform in ("win32", "darwin")
        or threading.active_count() > 1
    ):
        yield from map(work, tasks)
        return
    global _WORK
    _WORK = work
    done = 0
    # The records stay in memory: searching them for cycles would take time and, in forks, memory.
    gc.freeze()
    try:
        with ProcessPoolExecutor(count, multiprocessing.get_context("fork")) as pool:
            for found in pool.map(_of, tasks):
                yield found
                done += 1
    except BrokenProcessPool:
        # A fork was killed, for example because memory ran out.
        yield from map(work, tasks[done:])
    finally:
        gc.unfreeze()
        _WORK = None


MANY_TABLES = 5_000
_MOST = 8
_WORK: _Work | None = None
"""The work that forks of this process do; they inherit it."""


def _of(task: str) -> _TaskRanking:
    assert _WORK is not None
    return _WORK(task, 1)
