"""Looks up the function that computes a metric's value from its samples' statistics, for a metric of a record."""

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

WHOLE_SET_ONLY = "it exists over a whole set of samples only"
"""Areas under curves, correlations of ratings, modules of the `evaluate` library."""
Aggregate = Callable[[FloatArray], FloatArray]
"""Sums of statistics, shape [..., k], to values, shape [...]."""


@dataclass
class Aggregates:
    """Finds aggregates in the installed task files, or in the folders of `include`; `code`: whether Python files of those folders
    may run."""

    include: Sequence[Path] = ()
    code: bool = False
    _known: dict[str, Sequence[AnyMetric] | str] = field(default_factory=dict)

    def of(self, row: EstimateRow) -> Aggregate | str:
        """The aggregate of a metric, found by its name; or a text on why it is not available. To check that the record was made
        with it, compare its result with the recorded value (`agrees`)."""
        task, base = row.task.partition("@")[0], row.metric.partition("[")[0]
        if task not in self._known:
            self._known[task] = self._metrics(task)
        known = self._known[task]
        if isinstance(known, str):
            return known
        for metric in known:
            if metric.name == base:
                if isinstance(metric, CorpusMetric):
                    return WHOLE_SET_ONLY
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


def has_mean_form(statistics: FloatArray) -> bool:
    """Whether statistics [n, 2] have the form of a plain mean, (value, 1). Rows of NaN are samples without statistics."""
    return statistics.shape[1] == 2 and bool((np.isnan(statistics[:, 1]) | (statistics[:, 1] == 1)).all())


def is_mean(table: Table, metric: str, statistics: FloatArray) -> bool:
    """Whether a metric is the plain mean of its samples' values: their statistics, one row for each sample of the table, have that form, and
    the record's number is the mean. (A perplexity over samples, which keeps (log-probability, 1), is not.)"""
    rows = (row for row in table.record.estimates if (row.task, row.metric) == (table.task, metric))
    row = next(rows, None)
    return has_mean_form(statistics) and (row is None or is_mean_of(row, statistics[:, 0], table.weights))


def is_mean_of(row: EstimateRow, values: FloatArray, weights: FloatArray | None) -> bool:
    """Whether the number is the mean of its samples' values [n] (NaN: no value). True for an imported number, whose row says itself if it differs."""
    known = ~np.isnan(values)
    if row.imported is not None or row.value is None or not known.any():
        return True
    if weights is None and known.all():
        mean = float(values.mean())  # the usual case: no value has to be left out
    else:
        mean = float(np.average(values[known], weights=None if weights is None else weights[known]))
    return not math.isfinite(mean) or agrees(row.value, mean)


def aggregate_mismatch(row: EstimateRow, aggregate: Aggregate, sums: FloatArray) -> str | None:
    """Why the aggregate of the sums [k] over all samples does not give a metric's value; None if it does."""
    found = float(aggregate(sums))
    if agrees(row.value, found):
        return None
    return "its value is no function of its samples' statistics" if math.isfinite(found) else WHOLE_SET_ONLY


def agrees(value: float | None, found: float) -> bool:
    """Whether a recomputed value equals the recorded one."""
    if value is None or not math.isfinite(found):
        return value is None and not math.isfinite(found)
    return math.isclose(value, found, rel_tol=1e-9, abs_tol=1e-12)
