"""Whether each sample was right or wrong, for all models of a board that were asked the same task in the same way."""

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
    """Whether a sample's score in this metric says right or wrong: it does for fractions with a better direction, not for a perplexity,
    BLEU, or a preference between two texts."""
    return row.unit == "fraction" and row.higher_is_better is not None


def outcomes(scores: FloatArray, row: EstimateRow) -> Outcomes:
    """Outcomes [n] of scores [n] from 0 to 1: 0.5 or more is right if higher is better, and wrong if lower is. NaN gives
    `NONE`, and so does every score of a metric that is not `graded`."""
    if not graded(row):
        return np.full(len(scores), NONE, np.int8)
    right = scores >= 0.5 if row.higher_is_better else scores < 0.5
    return np.where(np.isnan(scores), NONE, np.where(right, RIGHT, WRONG)).astype(np.int8)


@dataclass(frozen=True, slots=True)
class SampleOutcomes:
    """Outcomes of one record's samples of a task."""

    ids: Any
    """Ids of the n samples (`pyarrow.ChunkedArray`)."""
    asked: Any
    """SHA-256 of what each sample asks; null in early records."""
    outcomes: Outcomes

    def first(self, count: int) -> SampleOutcomes:
        """The outcomes of the first `count` samples."""
        return SampleOutcomes(self.ids.slice(0, count), self.asked.slice(0, count), self.outcomes[:count])


def read(record: Record, row: EstimateRow, metric: str) -> SampleOutcomes | None:
    """Outcomes of the samples behind a number; None if the record has no samples, or no score of the `metric`.

    Raises `UserError` if the table is broken.
    """
    if not record.has_samples(row.task):
        return None
    return answered(record.samples(row.task, columns(metric)), row, metric)


def columns(metric: str) -> list[str]:
    """The columns from which outcomes are computed."""
    return ["sample", "asked", f"score.{metric}"]


def answered(table: Any, row: EstimateRow, metric: str) -> SampleOutcomes | None:
    """Like `read`, from a table (`pyarrow.Table`) with these columns."""
    import pyarrow as pa

    name = f"score.{metric}"
    if name not in table.column_names:
        return None
    scores = floats(table[name])
    none = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    asked = table["asked"] if "asked" in table.column_names else none
    return SampleOutcomes(table["sample"], asked, outcomes(scores, row))


@dataclass(frozen=True, slots=True)
class Field:
    """Several models' outcomes of the same samples."""

    models: tuple[str, ...]
    ids: tuple[str, ...]
    found: Outcomes
    """[models, samples]."""
    at: NDArray[np.int32] | None = None
    """The row of each sample in each model's own table [models, samples], -1 if it has none; None if all tables are in this order."""
    asked: tuple[str | None, ...] = ()
    """SHA-256 of what each sample asks, parallel to `ids`; None if no record says it."""
    otherwise: Outcomes | None = None
    """Other questions that some of the same ids stand for, if two models or more were asked them [models, questions]."""

    @property
    def right(self) -> NDArray[np.int64]:
        """How many models got each sample right [samples]."""
        right: NDArray[np.int64] = (self.found == RIGHT).sum(axis=0)
        return right

    @property
    def answered(self) -> NDArray[np.int64]:
        """How many models have an outcome for each sample [samples]."""
        answered: NDArray[np.int64] = (self.found != NONE).sum(axis=0)
        return answered

    def where(self, model: int, sample: int) -> int:
        """The sample's row in a model's own table, or -1."""
        return sample if self.at is None else int(self.at[model, sample])

    def place(self, model: str) -> int | None:
        """The model's row."""
        return self.models.index(model) if model in self.models else None


def field_of(answered: Sequence[tuple[str, SampleOutcomes]]) -> Field:
    """Aligns the outcomes: two samples are the same if their ids agree and, where both records say it, what was asked.

    If an id stands for different questions, the one of most models is kept, and the others have no outcome for it: theirs are in
    `Field.otherwise`.
    """
    if answered and all(_alike(own, answered[0][1]) for _, own in answered[1:]):
        # On most boards all tables are in the same order, and nothing needs matching.
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
    others: dict[tuple[int, str], dict[int, int]] = {}
    for row, (ids_here, asked_here, outcomes_here) in enumerate(tables):
        for own, (sample, asked) in enumerate(zip(ids_here, asked_here, strict=True)):
            at = places[sample or ""]
            where[row, at] = own
            if asked is None or asked == most[at]:
                table[row, at] = outcomes_here[own]
            else:
                others.setdefault((at, asked), {})[row] = outcomes_here[own]
    shared = [found for found in others.values() if len(found) > 1]
    otherwise = np.full((len(answered), len(shared)), NONE, np.int8)
    for column, found in enumerate(shared):
        otherwise[list(found), column] = list(found.values())
    return Field(tuple(name for name, _ in answered), tuple(places), table, where, tuple(most), otherwise)


def _alike(one: SampleOutcomes, other: SampleOutcomes) -> bool:
    return bool(one.ids.equals(other.ids) and one.asked.equals(other.asked))
