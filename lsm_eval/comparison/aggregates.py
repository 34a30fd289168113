"""The function that makes a metric's value from its samples' statistics, found again for a metric of a record."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lsm_eval.comparison.tables import FloatArray, Table
from lsm_eval.errors import CodeRefused, UserError
from lsm_eval.metrics.base import AnyMetric, CorpusMetric
from lsm_eval.results.schema import EstimateRow
from lsm_eval.scoring import registry as metrics
from lsm_eval.tasks.registry import Registry

WHOLE = "it exists over a whole set of samples only"
"""Areas under curves, correlations of ratings, modules of the `evaluate` library."""
Aggregate = Callable[[FloatArray], FloatArray]
"""Sums of statistics, shape [..., k], to values, shape [...]."""


@dataclass
class Aggregates:
    """Finds aggregates in the task files that are installed, or in the folders of `include`; `code`: whose Python files
    may run."""

    include: Sequence[Path] = ()
    code: bool = False
    _known: dict[str, Sequence[AnyMetric] | str] = field(default_factory=dict)

    def of(self, row: EstimateRow) -> Aggregate | str:
        """The aggregate of a metric, found by its name; or why it is not to be had, in words. Whether it is the one that the
        record was made with shows where it gives the recorded value (`agrees`)."""
        task, base = row.task.partition("@")[0], row.metric.partition("[")[0]
        if task not in self._known:
            self._known[task] = self._metrics(task)
        known = self._known[task]
        if isinstance(known, str):
            return known
        for metric in known:
            if metric.name == base:
                if isinstance(metric, CorpusMetric):
                    return WHOLE
                return metric.aggregate
        return f"the task file of {task} at hand has no such metric"

    def _metrics(self, task: str) -> Sequence[AnyMetric] | str:
        try:
            (loaded,) = Registry(self.include, code=self.code).resolve([task])
            return [
                metrics.create(spec, offline=True, folder=loaded.folder, own=loaded.own)
                for spec in loaded.task.metrics
            ]
        except CodeRefused:
            return f"the task {task} has code of its own: add --include-code if you trust it"
        except UserError:
            return f"the task file of {task} is not at hand: name its folder with --include"


def like_mean(statistics: FloatArray) -> bool:
    """Whether statistics [n, 2] are of a plain mean's form, (value, 1). Rows of NaN are samples without any."""
    return statistics.shape[1] == 2 and bool((np.isnan(statistics[:, 1]) | (statistics[:, 1] == 1)).all())


def is_mean(table: Table, metric: str, statistics: FloatArray) -> bool:
    """Whether a metric is the plain mean of what its samples have: their statistics, one row a sample of the table, have that form, and the
    record's number is the mean. (That of a perplexity over samples is not, which keeps (log-probability, 1).)"""
    rows = (row for row in table.record.estimates if (row.task, row.metric) == (table.task, metric))
    row = next(rows, None)
    return like_mean(statistics) and (row is None or gives(row, statistics[:, 0], table.weights))


def gives(row: EstimateRow, values: FloatArray, weights: FloatArray | None) -> bool:
    """Whether the number is the mean of its samples' values [n], NaN of those that have none. An imported one says itself where it is not."""
    known = ~np.isnan(values)
    if row.imported is not None or row.value is None or not known.any():
        return True
    if weights is None and known.all():
        mean = float(values.mean())  # as nearly all are: nothing is to be picked out
    else:
        mean = float(np.average(values[known], weights=None if weights is None else weights[known]))
    return not math.isfinite(mean) or agrees(row.value, mean)


def no_function(row: EstimateRow, aggregate: Aggregate, sums: FloatArray) -> str | None:
    """Why a metric's value is not what the aggregate makes of the sums [k] of all its samples, in words; None where it is."""
    found = float(aggregate(sums))
    if agrees(row.value, found):
        return None
    return "its value is no function of its samples' statistics" if math.isfinite(found) else WHOLE


def agrees(value: float | None, found: float) -> bool:
    """Whether a value that was computed again is the one on record."""
    if value is None or not math.isfinite(found):
        return value is None and not math.isfinite(found)
    return math.isclose(value, found, rel_tol=1e-9, abs_tol=1e-12)
