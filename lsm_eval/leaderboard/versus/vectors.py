"""The scores of all models, written as pieces: one a model, which a reader who names two of them loads two of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from lsm_eval.leaderboard.collect import Board, Key, ModelEntry
from lsm_eval.leaderboard.ranking.places import Asked
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
    """Is given every task's scores as they are read: `digest` may happen in another process, `keep` does not."""

    def __init__(self, board: Board, site: Site) -> None:
        self._board, self._site = board, site
        self._made = Vectors(models={model.slug: [] for model in board.models})
        self._first = {column.key for column in board.columns}
        numbers = sum(len(model.numbers) for model in board.models)
        self._all = numbers <= MOST_VECTORS
        asked = sum(_asked(model, site.options.samples) for model in board.models)
        self._answers = Answers(board, site) if asked <= ANSWERS else None
        self._at = {task: at for at, task in enumerate(board.task_slugs)}
        self._samples: dict[str, list[Asked]] = {}

    def digest(self, scores: Scores) -> list[_Column]:
        """One task's scores, packed: columns, and what each model has in them."""
        return [
            self._column(scores, (scores.task, metric))
            for metric in dict.fromkeys([*scores.values, *scores.unknown])
            if (scores.task, metric) in self._first or self._all
        ]

    def keep(self, columns: list[_Column]) -> None:
        """What `digest` made."""
        for column in columns:
            place = len(self._made.columns)
            self._made.columns.append(column.about)
            if column.samples:
                self._samples[str(column.about["task"])] = column.samples
            for slug, content in column.models.items():
                self._made.models[slug].append([place, *content])

    def finish(self) -> None:
        """Write the models' pieces, and those of answers."""
        for slug, columns in self._made.models.items():
            self._site.piece(f"{FOLDER}/{slug}.js", columns)
        for task, samples in self._samples.items():
            if self._answers is not None:
                self._made.tasks[task] = self._answers.write(task, samples)
        _VECTORS[self._site] = self._made

    def _column(self, scores: Scores, key: Key) -> _Column:
        task, metric = key
        models: dict[str, list[Any]] = {}
        row = None
        for model in self._board.models:
            number = model.numbers.get(key)
            if number is None or not measured(number.row):
                continue
            row = row or number.row
            values = scores.values.get(metric, {}).get(model.slug)
            content: Any = scores.unknown.get(metric, {}).get(model.slug, "")
            models[model.slug] = [
                number.row.value,
                number.mark,
                content if values is None else packed(values),
            ]
        assert row is not None
        about = {
            "task": task,
            "slug": self._board.task_slugs[task],
            "at": self._at[task],
            "metric": metric,
            "title": row.title,
            "area": row.area,
            "unit": row.unit,
            "higher": row.higher_is_better,
            "apart": _apart(scores, metric),
            "first": key in self._first,
        }
        return _Column(about, models, scores.samples if self._answers is not None else [])


@dataclass(frozen=True, slots=True)
class _Column:
    """One metric of one task."""

    about: dict[str, Any]
    models: dict[str, list[Any]]
    """By slug: value, mark, and packed scores or why there are none."""
    samples: list[Asked]
    """Its samples, where answers are to be written."""


def _apart(scores: Scores, metric: str) -> str:
    """Why the page's script makes no interval; empty where it does."""
    if metric in scores.pseudo:
        return "no mean"
    if scores.weights is not None:
        return "weights"
    return "clusters" if scores.clustered else ""


def _asked(model: ModelEntry, most: int) -> int:
    """How many answers there are at most of a model."""
    runs = {id(record): record for record in model.tables.values()}
    return sum(min(most, row.samples or 0) for run in runs.values() for row in run.manifest.tasks)


_VECTORS: WeakKeyDictionary[Site, Vectors] = WeakKeyDictionary()


def vectors_of(site: Site) -> Vectors:
    """What was collected for the site; nothing where nobody did."""
    return _VECTORS.get(site, Vectors())
