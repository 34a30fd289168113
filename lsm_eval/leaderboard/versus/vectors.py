"""Writes the scores of all models as one piece per model; to compare two models, the page loads two pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from lsm_eval.leaderboard.board import Board, Key, ModelEntry
from lsm_eval.leaderboard.ranking.sample_index import SampleKey
from lsm_eval.leaderboard.ranking.scores import Scores
from lsm_eval.leaderboard.show import measured
from lsm_eval.leaderboard.site import Site
from lsm_eval.leaderboard.versus.answers import ANSWERS, Answers
from lsm_eval.leaderboard.versus.packing import packed

FOLDER = "pieces/compare"
MOST_VECTORS = 20_000
"""On larger boards only first metrics have vectors, and other metrics whose vectors are short."""


@dataclass(slots=True)
class Vectors:
    """What the page contains about the pieces."""

    columns: list[dict[str, Any]] = field(default_factory=list)
    """One for each task and metric; the models' pieces use indices into this list."""
    models: dict[str, list[list[Any]]] = field(default_factory=dict)
    """By slug: [column, value, mark, packed scores or the reason why there are none]."""
    tasks: dict[str, str] = field(default_factory=dict)
    """By task: the piece with its samples' names and texts, if there is one."""


class Collector:
    """Receives every task's scores as they are read. `digest` may run in another process; `keep` runs in this one."""

    def __init__(self, board: Board, site: Site) -> None:
        self._board, self._site = board, site
        self._made = Vectors(models={model.slug: [] for model in board.models})
        self._first = {column.key for column in board.columns}
        numbers = sum(len(model.numbers) for model in board.models)
        self._all = numbers <= MOST_VECTORS
        samples = sum(_asked(model, site.options.samples) for model in board.models)
        self._answers = Answers(board, site) if samples <= ANSWERS else None
        self._at = {task: at for at, task in enumerate(board.task_slugs)}
        self._samples: dict[str, list[SampleKey]] = {}

    def digest(self, scores: Scores) -> list[_Column]:
        """One task's scores, packed: its columns, and each model's entries in them."""
        return [
            self._column(scores, (scores.task, metric))
            for metric in dict.fromkeys([*scores.values, *scores.unknown])
            if (scores.task, metric) in self._first or self._all
        ]

    def keep(self, columns: list[_Column]) -> None:
        """Keep what `digest` returned."""
        for column in columns:
            place = len(self._made.columns)
            self._made.columns.append(column.about)
            if column.samples:
                self._samples[str(column.about["task"])] = column.samples
            for slug, content in column.models.items():
                self._made.models[slug].append([place, *content])

    def finish(self) -> None:
        """Write the models' pieces, and the pieces of answers."""
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
    """By slug: value, mark, and packed scores or the reason why there are none."""
    samples: list[SampleKey]
    """Its samples, if answers are to be written."""


def _apart(scores: Scores, metric: str) -> str:
    """Why the page's script computes no interval; empty if it does."""
    if metric in scores.pseudo:
        return "no mean"
    if scores.weights is not None:
        return "weights"
    return "clusters" if scores.clustered else ""


def _asked(model: ModelEntry, most: int) -> int:
    """The most answers that a model can have."""
    runs = {id(record): record for record in model.tables.values()}
    return sum(min(most, row.samples or 0) for run in runs.values() for row in run.manifest.tasks)


_VECTORS: WeakKeyDictionary[Site, Vectors] = WeakKeyDictionary()


def vectors_of(site: Site) -> Vectors:
    """What was collected for the site; empty if nothing was."""
    return _VECTORS.get(site, Vectors())
