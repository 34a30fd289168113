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
from lsm_eval.leaderboard.collect import Board, Column, Key
from lsm_eval.leaderboard.ranking.columns import Ranked, Together, rank_column
from lsm_eval.leaderboard.ranking.means import Mean
from lsm_eval.leaderboard.ranking.scores import Held, Scores, by_task, read_scores


@dataclass(frozen=True, slots=True)
class Ranking:
    """What was found."""

    columns: dict[Key, Ranked] = field(default_factory=dict)
    """Of every task and metric that a model has a number of."""
    means: dict[str, Ranked] = field(default_factory=dict)
    """By the name that was given."""


def rank_board(
    board: Board,
    means: Mapping[str, Sequence[Column]] | None = None,
    *,
    aggregates: Aggregates | None = None,
    digest: Callable[[Scores], Any] | None = None,
    keep: Callable[[Any], None] | None = None,
) -> Ranking:
    """Ranks of all columns of the board, and of the `means` over some. `digest` is given the scores of each task as they are read, and they are
    gone afterwards; `keep` is given what it made of them, task by task. Of large boards the former happens in another process."""
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
            made.means[name] = made.columns.get(columns[0].key, Ranked({}, {}))
        elif name in under_way:
            made.means[name] = under_way[name].made()
    return made


@dataclass(frozen=True, slots=True)
class _Done:
    """One task."""

    columns: dict[str, Ranked]
    """By metric."""
    groups: dict[str, Together]
    """By metric: those that a mean is over, of the models that compare with most of the column."""
    digest: Any


@dataclass(frozen=True, slots=True)
class _Work:
    board: Board
    held: Held
    aggregates: Aggregates
    wanted: frozenset[Key]
    digest: Callable[[Scores], Any] | None

    def __call__(self, task: str, threads: int | None = None) -> _Done:
        scores = read_scores(task, self.held[task], self.aggregates, threads)
        columns: dict[str, Ranked] = {}
        groups: dict[str, Together] = {}
        metrics = dict.fromkeys(number.row.metric for _, numbers in self.held[task] for number in numbers)
        for metric in metrics:
            columns[metric], found = rank_column(self.board, scores, metric)
            if (task, metric) in self.wanted:
                main = next((group for group in found if group.mark == ""), None)
                if main is not None:
                    groups[metric] = main
        return _Done(columns, groups, None if self.digest is None else self.digest(scores))


def _each(work: _Work, tasks: Sequence[str]) -> Iterator[_Done]:
    """Every task's, in order; of many tables in copies of this process, where it can be split and has one thread alone."""
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
    # What is known of the records stays: to go through it for cycles again and again takes time, and, in copies, memory.
    gc.freeze()
    try:
        with ProcessPoolExecutor(count, multiprocessing.get_context("fork")) as pool:
            for found in pool.map(_of, tasks):
                yield found
                done += 1
    except BrokenProcessPool:
        # A copy was killed, as for want of memory.
        yield from map(work, tasks[done:])
    finally:
        gc.unfreeze()
        _WORK = None


MANY_TABLES = 5_000
_MOST = 8
_WORK: _Work | None = None
"""What copies of this process do: they have it by being copies."""


def _of(task: str) -> _Done:
    assert _WORK is not None
    return _WORK(task, 1)
