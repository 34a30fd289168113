"""Right or wrong, sample by sample, of all models of a board that were asked the same task in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.results.arrays import floats
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow

Outcomes = NDArray[np.int8]
FloatArray = NDArray[np.float64]

RIGHT, WRONG, NONE = 1, 0, -1
"""`NONE`: the sample has no score (it failed, or counts in no mean), or was not asked."""


def graded(row: EstimateRow) -> bool:
    """Whether a sample's score of this metric says right or wrong: a share with a better direction. A perplexity, a BLEU or a
    preference between two texts does not."""
    return row.unit == "fraction" and row.higher_is_better is not None


def outcomes(scores: FloatArray, row: EstimateRow) -> Outcomes:
    """Outcomes [n] of scores [n] from 0 to 1: half a point or more is right where higher is better, and wrong where
    lower is. NaN has none, and nothing has one where the metric is not `graded`."""
    if not graded(row):
        return np.full(len(scores), NONE, np.int8)
    right = scores >= 0.5 if row.higher_is_better else scores < 0.5
    return np.where(np.isnan(scores), NONE, np.where(right, RIGHT, WRONG)).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Answered:
    """Outcomes of one record's samples of a task."""

    ids: Any
    """Of the samples: n texts (`pyarrow.ChunkedArray`)."""
    asked: Any
    """SHA-256 of what each sample asks; null in early records."""
    outcomes: Outcomes

    def first(self, count: int) -> Answered:
        """Of the first samples only."""
        return Answered(self.ids.slice(0, count), self.asked.slice(0, count), self.outcomes[:count])


def read(record: Record, row: EstimateRow, metric: str) -> Answered | None:
    """Outcomes of the samples behind a number; None where the record keeps none of them, or no score of the `metric`.

    Raises `UserError` where the table is broken.
    """
    if not record.has_samples(row.task):
        return None
    return answered(record.samples(row.task, columns(metric)), row, metric)


def columns(metric: str) -> list[str]:
    """What outcomes are made of."""
    return ["sample", "asked", f"score.{metric}"]


def answered(table: Any, row: EstimateRow, metric: str) -> Answered | None:
    """`read` of a table (`pyarrow.Table`) with these columns."""
    import pyarrow as pa

    name = f"score.{metric}"
    if name not in table.column_names:
        return None
    scores = floats(table[name])
    none = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    asked = table["asked"] if "asked" in table.column_names else none
    return Answered(table["sample"], asked, outcomes(scores, row))


@dataclass(frozen=True, slots=True)
class Field:
    """Several models' outcomes of the same samples."""

    models: tuple[str, ...]
    ids: tuple[str, ...]
    found: Outcomes
    """[models, samples]."""
    at: NDArray[np.int32] | None = None
    """Where each sample stands in each model's own table [models, samples], -1 where it has none; None where all stand as here."""
    asked: tuple[str | None, ...] = ()
    """SHA-256 of what each sample asks, as long as `ids`; None where no record says it."""

    @property
    def right(self) -> NDArray[np.int64]:
        """How many models got each sample right [samples]."""
        right: NDArray[np.int64] = (self.found == RIGHT).sum(axis=0)
        return right

    @property
    def answered(self) -> NDArray[np.int64]:
        """How many models have an outcome of each sample [samples]."""
        answered: NDArray[np.int64] = (self.found != NONE).sum(axis=0)
        return answered

    def where(self, model: int, sample: int) -> int:
        """Where a sample stands in a model's own table, or -1."""
        return sample if self.at is None else int(self.at[model, sample])

    def place(self, model: str) -> int | None:
        """The model's row."""
        return self.models.index(model) if model in self.models else None


def field_of(answered: Sequence[tuple[str, Answered]]) -> Field:
    """The outcomes side by side: samples are the same where id and, where both records say it, what was asked agree.

    Of one id that asks different things the question of most models is kept, and the others' outcomes of it are none.
    """
    if answered and all(_alike(own, answered[0][1]) for _, own in answered[1:]):
        # By far the most boards: nothing is to be matched.
        ids = tuple(one or "" for one in answered[0][1].ids.to_pylist())
        if len(set(ids)) == len(ids):
            return Field(
                tuple(name for name, _ in answered),
                ids,
                np.stack([own.outcomes for _, own in answered]),
                asked=tuple(answered[0][1].asked.to_pylist()),
            )
    tables = [(own.ids.to_pylist(), own.asked.to_pylist(), own.outcomes.tolist()) for _, own in answered]
    places: dict[str, int] = {}
    questions: list[Counter[str]] = []
    for ids_here, asked_here, _ in tables:
        for sample, asked in zip(ids_here, asked_here, strict=True):
            at = places.setdefault(sample or "", len(places))
            if at == len(questions):
                questions.append(Counter())
            if asked is not None:
                questions[at][asked] += 1
    most = [max(found, key=lambda one: (found[one], one)) if found else None for found in questions]
    table = np.full((len(answered), len(places)), NONE, np.int8)
    where = np.full(table.shape, -1, np.int32)
    for row, (ids_here, asked_here, outcomes_here) in enumerate(tables):
        for own, (sample, asked) in enumerate(zip(ids_here, asked_here, strict=True)):
            at = places[sample or ""]
            where[row, at] = own
            if asked is None or asked == most[at]:
                table[row, at] = outcomes_here[own]
    return Field(tuple(name for name, _ in answered), tuple(places), table, where, tuple(most))


def _alike(one: Answered, other: Answered) -> bool:
    return bool(one.ids.equals(other.ids) and one.asked.equals(other.asked))
