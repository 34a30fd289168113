"""Chooses which samples have pages on a board that is too large to show all."""

from __future__ import annotations

from lsm_eval.leaderboard.board import Board
from lsm_eval.leaderboard.show import measured

TABLES = 500
"""Sample tables that have pages."""


def sampled(board: Board, most: int = TABLES) -> frozenset[tuple[str, str]] | None:
    """The pairs of model (slug) and task whose samples are shown; None if all are. They are the models with the best primary number of
    each task, the same number of models for every task."""
    tables = sum(len(model.tables) for model in board.models)
    if tables <= most:
        return None
    each = max(1, most // max(len(board.task_slugs), 1))
    first = {column.row.task: column for column in reversed(board.columns)}
    found: set[tuple[str, str]] = set()
    for task, column in first.items():
        sign = 1 if column.row.higher_is_better is False else -1
        known = [
            (sign * float(number.row.value or 0.0), model.slug)
            for model in board.models
            if (number := model.numbers.get(column.key)) is not None and measured(number.row)
        ]
        found.update((slug, task) for _, slug in sorted(known)[:each])
    return frozenset(found)
