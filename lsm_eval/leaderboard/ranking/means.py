"""The ranks of a mean over several tasks: an area's or a suite's.

A mean is over the first metrics of tasks that are fractions (or points of 100, taken as fractions) with a better direction; if less is
better, a task counts as 100 % minus its value. Tasks with other units are left out, so that nothing is ranked across units. Every task
has the same weight. A model that lacks one of the tasks has no rank, since a mean over other tasks is another number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsm_eval.leaderboard.board import Board, Column, ModelEntry, Number
from lsm_eval.leaderboard.ranking.columns import (
    NO_MODEL,
    ColumnRanking,
    ComparableGroup,
    of_places,
    places_of,
)
from lsm_eval.leaderboard.show import measured
from lsm_eval.statistics.ranking.ranks import ranked
from lsm_eval.statistics.ranking.tasks import Tasks

_SHARE = {"fraction": 1.0, "points": 0.01}
"""The fraction that a value of 1 stands for, by unit."""


class Mean:
    """A mean in progress: tasks are added as they are read."""

    def __init__(self, board: Board, columns: Sequence[Column]) -> None:
        """`columns`: the tasks of the mean, each in percent or points."""
        self._columns = tuple(columns)
        self._board = board
        self._models = [model for model in board.models if not model.no_model and not _lacks(model, columns)]
        self._place = {model.slug: at for at, model in enumerate(self._models)}
        self._sum = Tasks(len(self._models), len(self._columns))

    def add(self, column: Column, group: ComparableGroup) -> None:
        """Add one of its columns: the models that are comparable with most of the column."""
        known = [at for at, slug in enumerate(group.slugs) if slug in self._place]
        places = np.array([self._place[group.slugs[at]] for at in known], np.intp)
        weight = _SHARE[column.row.unit] * (1 if group.higher_is_better else -1)
        found, alone = group.of(np.array(known, np.intp))
        self._sum.add(found, alone, places, weight=weight)

    def made(self) -> ColumnRanking:
        """The ranks, and why models of the board have none."""
        found, alone, whole = self._sum.mean()
        slugs = tuple(self._models[at].slug for at in whole.tolist())
        unknown = {
            model.slug: NO_MODEL if model.no_model else _why(model, self._columns)
            for model in self._board.models
            if model.slug not in slugs
        }
        if len(slugs) < 2:
            return ColumnRanking({}, unknown)
        made = ranked(found, alone, higher_is_better=True)
        group = ComparableGroup("", slugs, True, found, alone)
        return of_places(places_of(group, made), unknown, (group, made))


def _fits(number: Number | None) -> bool:
    return number is not None and measured(number.row) and not number.mark


def _lacks(model: ModelEntry, columns: Sequence[Column]) -> list[str]:
    return [column.row.task for column in columns if not _fits(model.numbers.get(column.key))]


def _why(model: ModelEntry, columns: Sequence[Column]) -> str:
    lacking = _lacks(model, columns)
    if not lacking:
        return "one of its tasks has no scores of samples"
    return f"it lacks {len(lacking)} of {len(columns)} tasks, such as {lacking[0]}"
