"""The scores of one metric from a model's sample table; of metrics that are not means, as jackknife pseudo-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsm_eval.comparison.aggregates import Aggregate, Aggregates, aggregate_mismatch, is_mean_of
from lsm_eval.comparison.tables import table_of
from lsm_eval.leaderboard.ranking.tables import Columns
from lsm_eval.results.reader import Record
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.bounded import FloatArray

NO_SCORES = "its record keeps no scores of the samples"


@dataclass(frozen=True, slots=True)
class MetricScores:
    """Scores of a table's samples [n], NaN where there is none, and whether they are pseudo-values."""

    values: FloatArray
    pseudo: bool


def metric_scores(
    record: Record, task: str, columns: Columns, name: str, row: EstimateRow, aggregates: Aggregates
) -> MetricScores | str:
    """Scores of the table's samples [n], or the reason why there are none."""
    import pyarrow as pa

    own = table_of(record, task, pa.table(columns))
    statistics = own.statistics(name)
    if statistics is None:
        return NO_SCORES
    statistics[own.unscored(name)] = np.nan
    known = np.asarray(~np.isnan(statistics).any(axis=1), bool)
    plain = statistics.shape[1] == 2 and bool((statistics[known, 1] == 1).all())
    if plain and is_mean_of(row, np.where(known, statistics[:, 0], np.nan), own.weights):
        return MetricScores(np.where(known, statistics[:, 0], np.nan), pseudo=False)
    aggregate = aggregates.of(row.model_copy(update={"metric": name}))
    if isinstance(aggregate, str):
        return aggregate
    if (own.weights != own.weights[:1]).any():
        return "samples of unequal weight have no pseudo-values"
    if why := aggregate_mismatch(row, aggregate, statistics[known].sum(axis=0)):
        return why
    found = np.full(len(known), np.nan)
    found[known] = pseudo_values(aggregate, statistics[known])
    if not np.isfinite(found[known]).all():
        return "it is undefined without some samples"
    return MetricScores(found, pseudo=True)


def pseudo_values(aggregate: Aggregate, statistics: FloatArray) -> FloatArray:
    """Jackknife pseudo-values (Tukey, Annals of Mathematical Statistics 29:614, 1958) of n samples with statistics [n, k], shifted so that
    their mean is the metric's value: value + (n - 1) (mean of the leave-one-out values - leave-one-out value) [n]. Their spread is the
    jackknife's."""
    number, total = len(statistics), statistics.sum(axis=0)
    with np.errstate(all="ignore"):
        without = np.asarray(aggregate(total - statistics), float)
        found: FloatArray = float(aggregate(total)) + (number - 1) * (without.mean() - without)
    return found
