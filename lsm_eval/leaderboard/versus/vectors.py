"""The scores of all models, written as pieces: one a model, which a reader who names two of them loads two of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from lsm_eval.leaderboard.collect import Board, Key
from lsm_eval.leaderboard.ranking.scores import Scores
from lsm_eval.leaderboard.show import measured
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.versus.answers import ANSWERS, Answers
from lsm_eval.leaderboard.versus.packing import packed

FOLDER = "pieces/compare"
MOST_VECTORS = 20_000
"""Of larger boards only first metrics have vectors, beside those that any task has in few characters."""


@dataclass(slots=True)
class Vectors:
    """What the page knows of the pieces."""

    columns: list[dict[str, Any]] = field(default_factory=list)
    """One for each task and metric; places in the models' pieces are places here."""
    models: dict[str, list[list[Any]]] = field(default_factory=dict)
    """By slug: [column, value, mark, packed scores or why there are none]."""
    tasks: dict[str, str] = field(default_factory=dict)
    """By task: the piece with its samples' names and texts, where there is one."""


class Collector:
    """Is given every task's scores as they are read."""

    def __init__(self, board: Board, site: Site) -> None:
        self._board, self._site = board, site
        self._made = Vectors(models={model.slug: [] for model in board.models})
        self._first = {column.key for column in board.columns}
        numbers = sum(len(model.numbers) for model in board.models)
        self._all = numbers <= MOST_VECTORS
        asked = sum(min(site.options.samples, row.samples or 0) for m in board.models for row in _tables(m))
        self._answers = Answers(board, site) if asked <= ANSWERS else None

    def take(self, scores: Scores) -> None:
        """One task's."""
        # A metric with scores of one model alone compares with nothing.
        for metric in dict.fromkeys([*scores.values, *scores.unknown]):
            if (scores.task, metric) in self._first or self._all:
                self._column(scores, (scores.task, metric))
        if self._answers is not None and scores.ids:
            self._made.tasks[scores.task] = self._answers.write(scores)

    def finish(self) -> None:
        """Write the models' pieces."""
        for slug, columns in self._made.models.items():
            self._site.piece(f"{FOLDER}/{slug}.js", columns)
        _VECTORS[self._site] = self._made

    def _column(self, scores: Scores, key: Key) -> None:
        task, metric = key
        place = len(self._made.columns)
        row = None
        for model in self._board.models:
            number = model.numbers.get(key)
            if number is None or not measured(number.row):
                continue
            row = row or number.row
            values = scores.values.get(metric, {}).get(model.slug)
            content: Any = scores.unknown.get(metric, {}).get(model.slug, "")
            if values is not None:
                content = packed(values)
            self._made.models[model.slug].append([place, number.row.value, number.mark, content])
        assert row is not None
        self._made.columns.append(
            {
                "task": task,
                "slug": self._board.task_slugs[task],
                "at": list(self._board.task_slugs).index(task),
                "metric": metric,
                "title": row.title,
                "area": row.area,
                "unit": row.unit,
                "higher": row.higher_is_better,
                "apart": _apart(scores, metric),
                "first": key in self._first,
            }
        )


def _apart(scores: Scores, metric: str) -> str:
    """Why the page's script makes no interval; empty where it does."""
    if metric in scores.pseudo:
        return "no mean"
    if scores.weights is not None:
        return "weights"
    return "clusters" if scores.clustered else ""


def _tables(model: Any) -> list[Any]:
    return [record.tasks[task] for task, record in model.tables.items()]


_VECTORS: WeakKeyDictionary[Site, Vectors] = WeakKeyDictionary()


def vectors_of(site: Site) -> Vectors:
    """What was collected for the site; nothing where nobody did."""
    return _VECTORS.get(site, Vectors())
