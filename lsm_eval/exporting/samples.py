"""Rows of a record's sample tables, with withheld texts replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsm_eval.results.reader import Record
from lsm_eval.results.redaction import Redact, redact, withholds
from lsm_eval.results.schema import TaskRow


def sample_rows(record: Record, task: TaskRow, withhold: Redact) -> Iterator[dict[str, Any]]:
    """The rows of the task's sample table in their order, without statistics; empty if the record has no table.

    Texts that the record withholds stay withheld, and are not hashed again. Raises `UserError` if the table is broken.
    """
    if not record.has_samples(task.task):
        return
    hidden = not task.redacted and withholds(
        withhold, sensitive=task.sensitive, redistributable=task.redistributable
    )
    for batch in record.samples(task.task).to_batches(max_chunksize=512):
        columns: dict[str, list[Any]] = {
            name: batch.column(name).to_pylist()
            for name in batch.schema.names
            if not name.startswith("stats.")
        }
        if hidden:
            columns = redact(columns)
        names = list(columns)
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))


def is_plain_mean(record: Record, task: str, metric: str) -> bool:
    """Whether the metric is the unweighted mean of the samples' scores."""
    score, stats = f"score.{metric}", f"stats.{metric}"
    if not record.has_samples(task):
        return False
    table = record.samples(task)
    if not {score, stats} <= set(table.column_names) or "weight" in table.column_names:
        return False
    rows = zip(table.column(score).to_pylist(), table.column(stats).to_pylist(), strict=True)
    return all(parts is None or (len(parts) == 2 and parts == [value, 1.0]) for value, parts in rows)
