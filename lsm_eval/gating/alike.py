"""Pairs that are all alike, in a metric that is no mean over samples (BLEU, perplexity): what n equal pairs say.

The jackknife sees no spread there, and a standard error of 0 would pass anything. As for means (`statistics.comparison.difference`),
a pair is taken for a trial that could have gone wrong by the metric's whole range: n trials of which none did bound the loss by
range · (1 - α^(1/n)), exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lsm_eval.comparison.aggregates import Aggregates
from lsm_eval.comparison.difference import Difference
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.bounded import unfit
from lsm_eval.statistics.comparison.score import Score

METHOD = "tango(effective, paired)"
_TOP = {"fraction": 1.0, "points": 100.0}


def with_bound(
    row: EstimateRow, pairs: Pairs, measured: Difference, aggregates: Aggregates, level: float
) -> Difference:
    """The difference with an exact interval, where all pairs are alike and there was none; else as it is."""
    found = measured.found
    if (
        found is None
        or found.statistic is not None
        or found.discordant != 0
        or found.value != 0
        or measured.scores
    ):
        return measured
    groups = pairs.groups
    count = int(groups.max()) + 1
    span = _range(row, pairs, aggregates)
    if span is None or unfit(
        np.bincount(groups, minlength=count).astype(float), clustered=count < len(groups)
    ):
        return measured
    statistic = Score(float(count), 0.0, 0.0, span=span)
    return replace(
        measured,
        found=replace(
            found,
            low=statistic.end(level, "greater"),
            high=statistic.end(level, "less"),
            p=1.0,
            level=level,
            stderr=0.0,
            method=METHOD,
            reason=None,
            statistic=statistic,
        ),
    )


def _range(row: EstimateRow, pairs: Pairs, aggregates: Aggregates) -> float | None:
    """Of the metric; where it has no ends, of its values over single samples."""
    if row.unit in _TOP:
        return _TOP[row.unit]
    statistics, aggregate = pairs.first.statistics(row.metric), aggregates.of(row)
    if statistics is None or isinstance(aggregate, str):
        return None
    held = statistics[pairs.rows[:, 0]]
    with np.errstate(all="ignore"):
        values = np.asarray(aggregate(held[~np.isnan(held).any(axis=1)]), float)
    values = values[np.isfinite(values)]
    return float(np.ptp(values)) or None if len(values) else None
