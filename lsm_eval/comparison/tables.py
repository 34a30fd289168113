"""A task's sample table as arrays: ids, prompts, clusters, failures, and each metric's scores and statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsm_eval.errors import UserError
from lsm_eval.results.arrays import floats, lengths, valid, whole
from lsm_eval.results.reader import Record

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """The samples of one task of one record, n of them."""

    record: Record
    task: str
    ids: Sequence[str]
    asked: Sequence[str | None]
    """Hash of each request before the chat template; None in older records, which lack it."""
    clusters: Sequence[str | None]
    failed: NDArray[np.bool_]
    columns: Any = field(repr=False)
    """The complete table (`pyarrow.Table`)."""

    @cached_property
    def weights(self) -> FloatArray:
        """Each sample's weight [n]: how many samples of its cluster it represents; 1 if the record has no weights."""
        if "weight" not in self.columns.column_names:
            return np.ones(len(self.ids))
        return floats(self.columns["weight"])

    @cached_property
    def prompts(self) -> Sequence[str]:
        """Prompts as they were given to the model."""
        found: list[str] = self.columns["prompt"].to_pylist()
        return found

    def statistics(self, metric: str) -> FloatArray | None:
        """Sufficient statistics [n, k]; rows of NaN for samples without. None if the record has none, or rows of different lengths."""
        name = f"stats.{metric}"
        if name not in self.columns.column_names:
            return None
        column = whole(self.columns[name])
        parts = lengths(column)
        row_lengths = np.where(self.unscored(metric), 0, parts)
        width = int(row_lengths.max(initial=0))
        if ((row_lengths != 0) & (row_lengths != width)).any():
            return None
        found = np.full((len(row_lengths), max(width, 1)), np.nan)
        if not width:
            return found
        flat = floats(column.flatten())
        found[row_lengths != 0] = flat[np.repeat(row_lengths, parts) != 0].reshape(-1, width)
        return found

    def unscored(self, metric: str) -> NDArray[np.bool_]:
        """Mask [n] of samples that did not fail but have no score from the tool that they are imported from: their statistics are (0, 0, 1)
        where those of the others are (value, 1)."""
        name = f"stats.{metric}"
        if name not in self.columns.column_names:
            return np.zeros(len(self.ids), bool)
        column = whole(self.columns[name])
        parts = lengths(column)
        found = np.asarray(parts == 3, bool)
        if found.any() and (parts == 2).any():
            flat = floats(column.flatten())
            found[found] = (flat[np.repeat(found, parts)].reshape(-1, 3) == (0.0, 0.0, 1.0)).all(axis=1)
            return found
        return np.zeros(len(self.ids), bool)

    def texts(self, row: int) -> dict[str, Any]:
        """The contents of one row: prompt, choices, log-probabilities, completion, target, failure."""
        names = ("prompt", "choices", "logprobs", "completion", "target", "failure")
        return {name: self.columns[name][row].as_py() for name in names}


def read(record: Record, task: str) -> Table:
    """The task's table. Raises UserError if the record lacks it, it is broken, or an id occurs twice."""
    return table_of(record, task, record.samples(task))


def table_of(record: Record, task: str, columns: Any) -> Table:
    """The task's table from its columns (`pyarrow.Table`), which need not be on disk. Raises UserError if an id occurs twice."""
    ids = columns["sample"].to_pylist()
    if len(set(ids)) != len(ids):
        raise UserError(
            f"{record.sample_file(task)} has the id of a sample twice, so that its samples cannot be matched: "
            "run the task again."
        )
    return Table(
        record,
        task,
        ids,
        columns["asked"].to_pylist() if "asked" in columns.column_names else [None] * len(ids),
        columns["cluster"].to_pylist(),
        valid(columns["failure"]),
        columns,
    )
