"""The difference in one metric between two runs: passes the statistics of their pairs to `statistics.comparison`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lsm_eval.comparison.aggregates import Aggregate, Aggregates, aggregate_mismatch, has_mean_form, is_mean
from lsm_eval.comparison.pairs import Pairs
from lsm_eval.comparison.tables import FloatArray
from lsm_eval.metrics.weights import relative
from lsm_eval.results.schema import EstimateRow
from lsm_eval.statistics.comparison.corpus import DifferingPairs, corpus_difference
from lsm_eval.statistics.comparison.difference import Difference as Found
from lsm_eval.statistics.comparison.difference import Noise, Scale
from lsm_eval.statistics.comparison.difference import difference as of_pairs
from lsm_eval.statistics.comparison.pairs import pairs as paired

_TOP = {"fraction": 1.0, "points": 100.0}
OTHER_PROMPTS = "no sample of both runs has the same prompt"
_NO_SCORES = "the records keep no scores of its samples"


@dataclass(frozen=True)
class Difference:
    """A metric over the pairs of two runs."""

    first: float | None
    second: float | None
    found: Found | None
    """Difference, interval and tests; None if the metric is not compared."""
    n: int
    """Number of pairs with a value in at least one run."""
    scores: tuple[FloatArray, FloatArray] | None = None
    """The samples' scores in both runs [all pairs], NaN if there is none; None for metrics without scores of samples."""
    why: str | None = None
    """Why it is not compared."""
    unscored: int = 0
    """Number of samples that both runs answered but at least one did not score (`Table.unscored`); they are no pairs."""
    sum_about: Callable[[float], Found] | None = None
    """For metrics without scores: a function of a target to the sum of both values, each minus the target, with its interval."""


def difference(
    row: EstimateRow,
    pairs: Pairs,
    aggregates: Aggregates,
    level: float,
    *,
    noise: Noise | None = None,
) -> Difference:
    """The metric of `row` over the pairs, candidate minus baseline."""
    if _differs_from_import(row, pairs):
        return _not_compared("its samples do not give the number that was imported")
    whole = pairs.first.statistics(row.metric)
    other = pairs.second.statistics(row.metric)
    if whole is None or other is None:
        return _not_compared(_NO_SCORES)
    first, second = whole[pairs.rows[:, 0]], other[pairs.rows[:, 1]]
    unscored = (
        pairs.first.unscored(row.metric)[pairs.rows[:, 0]]
        | pairs.second.unscored(row.metric)[pairs.rows[:, 1]]
    )
    first[unscored] = second[unscored] = np.nan
    ours, theirs = _known(first), _known(second)
    valued = np.asarray(ours | theirs, bool)
    number = int(valued.sum())
    if not number and not len(pairs.rows) and pairs.other_prompt:
        return _not_compared(OTHER_PROMPTS)
    if not number:
        return replace(_not_compared("no sample of both runs has a value"), unscored=int(unscored.sum()))
    if whole.shape[1] != other.shape[1]:
        return _not_compared("the records keep different kinds of statistics of its samples")
    if (pairs.weights(0)[valued] != pairs.weights(1)[valued]).any():
        return _not_compared("its samples have different weights in the two runs")
    same = bool((ours == theirs).all())
    if is_mean(pairs.first, row.metric, whole) and has_mean_form(other) and same:
        made = _of_means(row, pairs, first[:, 0], second[:, 0], valued, level, noise)
        return replace(made, unscored=int(unscored.sum()))
    aggregate = aggregates.of(row)
    if isinstance(aggregate, str):
        return _not_compared(aggregate)
    counted = _known(whole)
    answered = _weighed(whole[counted], pairs.first.weights[counted])
    if why := aggregate_mismatch(row, aggregate, answered.sum(axis=0)):
        return _not_compared(why)
    before, after = (_weighed(each[valued], pairs.weights(0)[valued]) for each in (first, second))

    def change(kept: Sequence[int]) -> float:
        return float(aggregate(after[kept].sum(axis=0)) - aggregate(before[kept].sum(axis=0)))

    values = [float(aggregate(each.sum(axis=0))) for each in (before, after)]
    if not np.isfinite(values).all():
        return _not_compared("its value is undefined over these pairs")
    # Samples have no scores of their own, but it is known which have different statistics.
    differing_rows = (before != after).any(axis=1)
    span = _span(row, aggregate, first[valued], second[valued])
    differing = (
        None if span is None else DifferingPairs(differing_rows.astype(float), _shares(before + after), span)
    )
    found = corpus_difference(
        change,
        _clusters(pairs, valued),
        missing=pairs.missing,
        level=level,
        noise=noise,
        differing=differing,
    )
    found = replace(found, discordant=int(differing_rows.sum()))

    def sum_about(target: float) -> Found:
        """Nearly all samples contribute to it, so that its interval needs no adjustment for few differing pairs."""

        def both(kept: Sequence[int]) -> float:
            return float(sum(aggregate(each[kept].sum(axis=0)) - target for each in (before, after)))

        clusters = _clusters(pairs, valued)
        return corpus_difference(both, clusters, missing=pairs.missing, level=level, noise=noise)

    return Difference(values[0], values[1], found, number, sum_about=sum_about)


def _differs_from_import(row: EstimateRow, pairs: Pairs) -> bool:
    """Whether the metric is imported with a number that its samples do not give."""
    return any(
        bool((own.imported or {}).get("differs"))
        for table in (pairs.first, pairs.second)
        for own in table.record.estimates
        if (own.task, own.metric) == (row.task, row.metric)
    )


def _of_means(
    row: EstimateRow,
    pairs: Pairs,
    first: FloatArray,
    second: FloatArray,
    valued: NDArray[np.bool_],
    level: float,
    noise: Noise | None,
) -> Difference:
    data = paired(first[valued], second[valued], pairs.groups[valued], relative(pairs.weights(0)[valued]))
    scale, top = _scale(row, np.concatenate([first[valued], second[valued]]))
    found = of_pairs(data, scale, top=top, level=level, noise=noise)
    means = [float(np.average(values, weights=data.weights)) for values in (data.baseline, data.candidate)]
    return Difference(means[0], means[1], found, data.number, (first, second))


def _known(statistics: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(statistics).any(axis=1), bool)


def _weighed(statistics: FloatArray, weights: FloatArray) -> FloatArray:
    """Statistics [n, k] times each sample's relative weight; a sample without statistics adds nothing."""
    own = relative(weights)
    return np.nan_to_num(statistics) * (1.0 if own is None else own[:, None])


def _scale(row: EstimateRow, values: FloatArray) -> tuple[Scale, float]:
    """The kind of the values, by unit and range, and their largest possible value."""
    top = _TOP.get(row.unit)
    if top is None or (values < 0).any() or (values > top * (1 + 1e-12)).any():
        return "mean", 1.0
    if top == 1 and np.isin(values, (0.0, 1.0)).all():
        return "binary", 1.0
    return "bounded", top


def _shares(statistics: FloatArray) -> FloatArray:
    """Each sample's share of the sums of statistics [n, k], averaged over the statistics that are never negative; times n, so that the mean is 1."""
    usable = statistics[:, (statistics >= 0).all(axis=0) & (statistics.sum(axis=0) > 0)]
    if not usable.shape[1]:
        return np.ones(len(statistics))
    found: FloatArray = len(usable) * (usable / usable.sum(axis=0)).mean(axis=1)
    # A share of 0 would be no trial at all, so that each sample has at least a hundredth.
    return np.maximum(found, 0.01)


def _span(row: EstimateRow, aggregate: Aggregate, *runs: FloatArray) -> float | None:
    """The metric's range; if it is unbounded, the range of its values over single samples."""
    with np.errstate(all="ignore"):
        values = np.concatenate([np.asarray(aggregate(one[_known(one)]), float) for one in runs])
    values = values[np.isfinite(values)]
    if row.unit in _TOP:
        # Some bias scores lie between -1 and 1.
        return _TOP[row.unit] * (2 if len(values) and values.min() < 0 else 1)
    return float(np.ptp(values)) or None if len(values) else None


def _clusters(pairs: Pairs, valued: NDArray[np.bool_]) -> list[str | None]:
    return [cluster for cluster, kept in zip(pairs.clusters, valued.tolist(), strict=True) if kept]


def _not_compared(why: str) -> Difference:
    return Difference(None, None, None, 0, why=why)
