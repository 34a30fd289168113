"""The scores of a board's models on the samples of one task, as arrays in which a sample has the same position for all models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.comparison.aggregates import Aggregates, is_mean_of
from lsm_eval.comparison.pairs import merge_clusters
from lsm_eval.errors import UserError
from lsm_eval.leaderboard.board import Board, ModelEntry, Number, likelihood
from lsm_eval.leaderboard.ranking.metric_scores import MetricScores, metric_scores
from lsm_eval.leaderboard.ranking.plain_means import mean_scores
from lsm_eval.leaderboard.ranking.sample_index import SampleIndex, SampleKey
from lsm_eval.leaderboard.ranking.tables import Columns, Tables
from lsm_eval.leaderboard.show import measured
from lsm_eval.results.arrays import floats, valid
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.bounded import FloatArray

NO_SAMPLES = "its record has no samples, only numbers"
DIFFERS = "its samples do not give the number that was imported"
WEIGHTS = "its samples stand for unlike numbers of others"
UNREADABLE = "its samples cannot be read"
INFINITE = "a sample's score is infinite"
TWICE = "its samples have an id twice"


@dataclass(slots=True)
class Scores:
    """The scores of one task."""

    task: str
    samples: list[SampleKey] = field(default_factory=list)
    """All samples that any model was asked [n]; an id occurs twice if it stands for different questions."""
    clusters: list[str | None] = field(default_factory=list)
    """The cluster of each sample [n]; None if it has none."""
    weights: FloatArray | None = None
    """The weight of each sample [n]; None if all weights are equal."""
    values: dict[str, dict[str, FloatArray]] = field(default_factory=dict)
    """By metric and the model's slug: the score of each sample [n], NaN where it has none. For a metric that is not a mean of samples
    the score is the sample's jackknife pseudo-value (`pseudo_values`)."""
    pseudo: set[str] = field(default_factory=set)
    """Metrics whose scores are pseudo-values."""
    unknown: dict[str, dict[str, str]] = field(default_factory=dict)
    """By metric and slug: why there are none."""

    def matrix(self, metric: str, slugs: Sequence[str]) -> FloatArray:
        """Scores of these models [models, n]."""
        return np.stack([self.values[metric][slug] for slug in slugs])

    @property
    def clustered(self) -> bool:
        """Whether any sample belongs to a cluster."""
        return any(one is not None for one in self.clusters)


@dataclass(slots=True)
class _ModelScores:
    """The scores of one model, and the positions of its samples."""

    places: NDArray[np.intp]
    values: dict[str, FloatArray]


Held = dict[str, list[tuple[ModelEntry, list[Number]]]]
"""By task: the models with a number for it, and these numbers."""


def by_task(board: Board) -> Held:
    """The measured numbers of a board."""
    found: Held = {}
    for model in board.models:
        for (task, _), number in model.numbers.items():
            if not measured(number.row):
                continue
            own = found.setdefault(task, [])
            if not own or own[-1][0] is not model:
                own.append((model, []))
            own[-1][1].append(number)
    return found


def read_scores(
    task: str,
    by_model: Sequence[tuple[ModelEntry, list[Number]]],
    aggregates: Aggregates,
    threads: int | None = None,
) -> Scores:
    """The scores of all models with a number for the task (`by_task`). A table that cannot be read raises no error, but is a reason in
    `unknown`. `threads`: the number of threads that read tables; None for the number of cores."""
    reader = _Reader(Scores(task), aggregates)
    reader.take(by_model, threads)
    return reader.made()


@dataclass(frozen=True, slots=True)
class _TableRequest:
    """A sample table to read, and the numbers that rest on it."""

    model: ModelEntry
    record: Record
    numbers: tuple[Number, ...]
    names: dict[str, str]
    """The metrics' names in their record."""


def _wanted(model: ModelEntry, numbers: Sequence[Number]) -> list[_TableRequest]:
    records = {id(number.record): number.record for number in numbers}
    found = []
    for key, record in records.items():
        own_numbers = tuple(number for number in numbers if id(number.record) == key)
        names = {number.row.metric: _own_name(number.row, record) for number in own_numbers}
        found.append(_TableRequest(model, record, own_numbers, names))
    return found


class _Reader:
    def __init__(self, scores: Scores, aggregates: Aggregates) -> None:
        self._scores = scores
        self._aggregates = aggregates
        self._tables = Tables(scores.task)
        self._seen: list[tuple[Any, Any, NDArray[np.intp]]] = []
        """Columns of ids and of question hashes, and the positions of these samples."""
        self._clusters: list[tuple[Any, NDArray[np.intp]]] = []
        self._failures: tuple[Any, NDArray[np.bool_] | None] | None = None
        """The last `failure` column, and which samples failed by it."""
        self._place = SampleIndex()
        self._weights: dict[int, float] = {}
        self._held: dict[str, list[_ModelScores]] = {}

    def take(self, by_model: Sequence[tuple[ModelEntry, list[Number]]], threads: int | None) -> None:
        """Read the tables of these models, and add them in order."""
        wanted = [one for model, numbers in by_model for one in _wanted(model, numbers)]
        if threads == 1:
            for one in wanted:
                self._take(one, self._table(one))
            return
        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            for one, table in zip(wanted, pool.map(self._table, wanted), strict=True):
                self._take(one, table)

    def _take(self, one: _TableRequest, table: Any) -> None:
        if isinstance(table, str):
            for number in one.numbers:
                self._without(one.model, number.row.metric, table)
        else:
            self._read(one, table)

    def _table(self, one: _TableRequest) -> Any:
        """The table's columns, or the reason why it has none."""
        try:
            return self._tables.read(one.record, [f"stats.{name}" for name in one.names.values()])
        except UserError:
            return UNREADABLE if one.record.has_samples(self._scores.task) else NO_SAMPLES

    def made(self) -> Scores:
        scores = self._scores
        number = len(self._place.samples)
        scores.samples = self._place.samples
        scores.clusters = self._all_clusters(number)
        weights = np.ones(number)
        weights[list(self._weights)] = list(self._weights.values())
        scores.weights = None if (weights == weights[:1]).all() else weights
        for slug, parts in self._held.items():
            for part in parts:
                for metric, found in part.values.items():
                    row = np.full(number, np.nan)
                    row[part.places] = found
                    scores.values.setdefault(metric, {})[slug] = row
        return scores

    def _read(self, one: _TableRequest, table: Columns) -> None:
        task, model, record, numbers, names = self._scores.task, one.model, one.record, one.numbers, one.names
        places = self._places(table["sample"], table.get("asked"))
        if places is None:
            for number in numbers:
                self._without(model, number.row.metric, TWICE)
            return
        if not self._weighed(table.get("weight"), places):
            for number in numbers:
                self._without(model, number.row.metric, WEIGHTS)
            return
        self._account(table["cluster"], places)
        failed = self._failed(table["failure"])
        values = {}
        for number in numbers:
            if bool((number.row.imported or {}).get("differs")):
                self._without(model, number.row.metric, DIFFERS)
                continue
            name = names[number.row.metric]
            means = mean_scores(table.get(f"stats.{name}"))
            if means is not None:
                scored = means if failed is None else np.where(failed, np.nan, means)
                means = means if is_mean_of(number.row, scored, _weights(table.get("weight"))) else None
            found = (
                metric_scores(record, task, table, name, number.row, self._aggregates)
                if means is None
                else MetricScores(means, pseudo=False)
            )
            if not isinstance(found, str) and np.isinf(found.values).any():
                found = INFINITE
            if isinstance(found, str):
                self._without(model, number.row.metric, found)
                continue
            if found.pseudo:
                self._scores.pseudo.add(number.row.metric)
            if failed is not None:
                found.values[failed] = np.nan
            values[number.row.metric] = found.values
        self._held.setdefault(model.slug, []).append(_ModelScores(places, values))

    def _without(self, model: ModelEntry, metric: str, why: str) -> None:
        self._scores.unknown.setdefault(metric, {})[model.slug] = why

    def _places(self, ids: Any, question_hashes: Any) -> NDArray[np.intp] | None:
        """The samples' positions; None if one occurs twice."""
        for seen, questions, places in self._seen:
            if _same(ids, seen) and _same(question_hashes, questions):
                return places
        names = ids.to_pylist()
        if len(set(names)) != len(names):
            return None
        hashes = [None] * len(names) if question_hashes is None else question_hashes.to_pylist()
        places = np.array([self._place.at(*one) for one in zip(names, hashes, strict=True)], np.intp)
        self._seen.append((ids, question_hashes, places))
        return places

    def _account(self, clusters: Any, places: NDArray[np.intp]) -> None:
        if not any(places is known and _same(clusters, seen) for seen, known in self._clusters):
            self._clusters.append((clusters, places))

    def _failed(self, failure: Any) -> NDArray[np.bool_] | None:
        """Which samples failed; None if none did."""
        if self._failures is None or self._failures[0] is not failure:
            some = failure.null_count < len(failure)
            self._failures = failure, valid(failure) if some else None
        return self._failures[1]

    def _all_clusters(self, number: int) -> list[str | None]:
        """The clusters of all samples. If models have different clusters for the same samples, clusters that overlap in any model are joined."""
        found: list[str | None] = [None] * number
        known = np.zeros(number, bool)
        for clusters, places in self._clusters:
            own: list[str | None] = [None] * number
            for place, name in zip(places.tolist(), clusters.to_pylist(), strict=True):
                own[place] = name
            there = np.flatnonzero(known)
            if any(found[at] != own[at] for at in np.intersect1d(there, places).tolist()):
                found = merge_clusters(found, own)
            else:
                for at in places.tolist():
                    found[at] = own[at]
            known[places] = True
        return found

    def _weighed(self, weights: Any, places: NDArray[np.intp]) -> bool:
        """Whether these samples have the same weights as for the models before."""
        if weights is None:
            return not self._weights or all(self._weights.get(at, 1.0) == 1.0 for at in places.tolist())
        own = dict(zip(places.tolist(), weights.to_pylist(), strict=True))
        if any(self._weights.get(at, weight) != weight for at, weight in own.items()):
            return False
        self._weights.update(own)
        return True


def _same(one: Any, other: Any) -> bool:
    """Whether two columns, or two missing ones, are equal; most are the same object."""
    return one is other or (one is not None and other is not None and bool(one.equals(other)))


def _own_name(row: EstimateRow, record: Record) -> str:
    """The metric's name in its record, without the kind of likelihood that the board adds."""
    kind = likelihood(row, record)
    return row.metric.removesuffix(f" ({kind})") if kind else row.metric


def _weights(column: Any) -> FloatArray | None:
    """The weights; None if all are equal."""
    return None if column is None else floats(column)
