"""The spread of a pair's difference, estimated from one run, and whether a gate can compare a metric at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lsm_eval.comparison.aggregates import Aggregates, aggregate_mismatch, is_mean
from lsm_eval.comparison.tables import FloatArray, read
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.power import Means, Shares, Spread

TOP = {"fraction": 1.0, "points": 100.0}


@dataclass(frozen=True, slots=True)
class AssumedSpread:
    """The assumed spread of a pair's difference."""

    spread: Spread
    span: float
    """The value, in the metric's unit, of a loss of 1 in the spread."""
    discordance: float | None = None


def incomparable(record: Record, row: EstimateRow, aggregates: Aggregates) -> str | None:
    """Why a gate cannot compare the metric for any candidate, in words; None if it can."""
    if row.value is None or not record.has_samples(row.task):
        return None
    table = read(record, row.task)
    statistics = table.statistics(row.metric)
    if statistics is None or is_mean(table, row.metric, statistics):
        return None
    aggregate = aggregates.of(row)
    if isinstance(aggregate, str):
        return aggregate
    if (table.weights != table.weights[:1]).any():
        # Its sums are weighted: only the gate itself can check it.
        return None
    complete = statistics[~np.isnan(statistics).any(axis=1)]
    return aggregate_mismatch(row, aggregate, complete.sum(axis=0))


def assumed_spread(record: Record, row: EstimateRow, discordance: float | None) -> AssumedSpread | str:
    """The assumed spread of a pair's difference; or why it is unknown, in words."""
    if row.value is None:
        return "it has no value"
    if not record.has_samples(row.task):
        return "the record has no samples of its own"
    table = read(record, row.task)
    statistics = table.statistics(row.metric)
    if statistics is None:
        return "the record keeps no scores of its samples"
    plain = is_mean(table, row.metric, statistics)
    statistics = statistics[~np.isnan(statistics).any(axis=1)]
    # If only a share of the pairs differs, the variance is that share of what it would be for all.
    share = 1.0 if discordance is None else discordance
    if not plain:
        if row.stderr is None:
            return "it has no standard error"
        # The standard error includes the design effect.
        return AssumedSpread(
            Means(math.sqrt(2 * share * (row.n or 0)) * row.stderr, span=TOP.get(row.unit)), 1.0
        )
    values, top, design = statistics[:, 0], TOP.get(row.unit), _design(row, statistics)
    if top is None or not bool(((values >= 0) & (values <= top)).all()):
        return AssumedSpread(
            Means(
                math.sqrt(2 * share) * float(np.std(values, ddof=1)), design, float(np.ptp(values)) or None
            ),
            1.0,
        )
    binary = bool(np.isin(values, (0.0, top)).all())
    if binary and discordance is not None:
        return AssumedSpread(Shares(discordance, design), top, discordance)
    # For values 0 or 1 it is 2 p (1 - p).
    apart = min(1.0, 2 * share * float(np.var(values / top)))
    return AssumedSpread(Shares(apart, design), top, apart if binary else None)


def _design(row: EstimateRow, statistics: FloatArray) -> float:
    """The design effect: the variance of the mean relative to that of as many independent samples; 1 without clusters."""
    if row.clusters is None or row.stderr is None or len(statistics) < 2:
        return 1.0
    alone = float(np.var(statistics[:, 0], ddof=1)) / len(statistics)
    return max(1.0, row.stderr**2 / alone) if alone > 0 else 1.0
