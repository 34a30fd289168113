"""The ranks of a whole board: each task's samples are read once, and every metric and mean is ranked on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.leaderboard.collect import Board, Column, Key
from lsm_eval.leaderboard.ranking.columns import Ranked, rank_column
from lsm_eval.leaderboard.ranking.means import Mean
from lsm_eval.leaderboard.ranking.scores import Scores, read_scores
from lsm_eval.leaderboard.show import measured


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
    seen: Callable[[Scores], None] | None = None,
) -> Ranking:
    """Ranks of all columns of the board, and of the `means` over some. `seen` is given the scores of each task as they are read, and they
    are gone afterwards."""
    aggregates = aggregates or Aggregates()
    made = Ranking()
    under_way = {name: Mean(board, columns) for name, columns in (means or {}).items() if len(columns) > 1}
    wanted: dict[Key, list[tuple[Mean, Column]]] = {}
    for name, mean in under_way.items():
        for column in (means or {})[name]:
            wanted.setdefault(column.key, []).append((mean, column))
    for task in board.task_slugs:
        metrics = _metrics(board, task)
        if not metrics:
            continue
        scores = read_scores(board, task, aggregates)
        for metric in metrics:
            made.columns[task, metric], groups = rank_column(board, scores, metric)
            for mean, column in wanted.get((task, metric), ()):
                for group in groups:
                    if group.mark == "":
                        mean.add(column, group)
        if seen is not None:
            seen(scores)
    for name, columns in (means or {}).items():
        if len(columns) == 1:
            made.means[name] = made.columns.get(columns[0].key, Ranked({}, {}))
        elif name in under_way:
            made.means[name] = under_way[name].made()
    return made


def _metrics(board: Board, task: str) -> list[str]:
    """Those of which a model has a number, in the order of the first model's."""
    return list(
        dict.fromkeys(
            metric
            for model in board.models
            for (own, metric), number in model.numbers.items()
            if own == task and measured(number.row)
        )
    )
