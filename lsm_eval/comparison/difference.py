"""How one metric differs between two runs: from the statistics of their pairs to `statistics.comparison`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lsm_eval.comparison.aggregates import Aggregate, Aggregates, is_mean, like_mean, no_function
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
    """Difference, interval and tests; None where the metric is not compared."""
    n: int
    """Pairs that have a say in it."""
    scores: tuple[FloatArray, FloatArray] | None = None
    """The samples' own scores of both runs [n of pairs], NaN where there is none; None for metrics without."""
    why: str | None = None
    """Why it is not compared."""
    unscored: int = 0
    """Samples that both runs answered and one of them has no score of (`Table.unscored`); no pair."""
    about: Callable[[float], Found] | None = None
    """The sum of both values, each less a target, with its interval, of metrics without scores."""


def difference(
    row: EstimateRow,
    pairs: Pairs,
    aggregates: Aggregates,
    level: float,
    *,
    noise: Noise | None = None,
) -> Difference:
    """The metric of `row` over the pairs, candidate less baseline."""
    if _doubtful(row, pairs):
        return _without("its samples do not give the number that was imported")
    whole = pairs.first.statistics(row.metric)
    other = pairs.second.statistics(row.metric)
    if whole is None or other is None:
        return _without(_NO_SCORES)
    first, second = whole[pairs.rows[:, 0]], other[pairs.rows[:, 1]]
    unscored = (
        pairs.first.unscored(row.metric)[pairs.rows[:, 0]]
        | pairs.second.unscored(row.metric)[pairs.rows[:, 1]]
    )
    first[unscored] = second[unscored] = np.nan
    ours, theirs = _known(first), _known(second)
    say = np.asarray(ours | theirs, bool)
    number = int(say.sum())
    if not number and not len(pairs.rows) and pairs.other_prompt:
        return _without(OTHER_PROMPTS)
    if not number:
        return replace(_without("no sample of both runs has a value"), unscored=int(unscored.sum()))
    if whole.shape[1] != other.shape[1]:
        return _without("the records keep unlike statistics of its samples")
    if (pairs.weights(0)[say] != pairs.weights(1)[say]).any():
        return _without("its samples stand for unlike numbers of others in the two runs")
    same = bool((ours == theirs).all())
    if is_mean(pairs.first, row.metric, whole) and like_mean(other) and same:
        made = _of_means(row, pairs, first[:, 0], second[:, 0], say, level, noise)
        return replace(made, unscored=int(unscored.sum()))
    aggregate = aggregates.of(row)
    if isinstance(aggregate, str):
        return _without(aggregate)
    counted = _known(whole)
    answered = _weighed(whole[counted], pairs.first.weights[counted])
    if why := no_function(row, aggregate, answered.sum(axis=0)):
        return _without(why)
    before, after = (_weighed(each[say], pairs.weights(0)[say]) for each in (first, second))

    def apart(kept: Sequence[int]) -> float:
        return float(aggregate(after[kept].sum(axis=0)) - aggregate(before[kept].sum(axis=0)))

    values = [float(aggregate(each.sum(axis=0))) for each in (before, after)]
    if not np.isfinite(values).all():
        return _without("its value is undefined over these pairs")
    # Samples have no scores of their own, but those that count otherwise can be told.
    unlike = (before != after).any(axis=1)
    span = _span(row, aggregate, first[say], second[say])
    differing = None if span is None else DifferingPairs(unlike.astype(float), _shares(before + after), span)
    found = corpus_difference(
        apart,
        _clusters(pairs, say),
        missing=pairs.missing,
        level=level,
        noise=noise,
        differing=differing,
    )
    found = replace(found, discordant=int(unlike.sum()))

    def about(target: float) -> Found:
        """Nearly all samples have a part in it, so that few pairs that differ make it no less sure."""

        def both(kept: Sequence[int]) -> float:
            return float(sum(aggregate(each[kept].sum(axis=0)) - target for each in (before, after)))

        clusters = _clusters(pairs, say)
        return corpus_difference(both, clusters, missing=pairs.missing, level=level, noise=noise)

    return Difference(values[0], values[1], found, number, about=about)


def _doubtful(row: EstimateRow, pairs: Pairs) -> bool:
    """Whether the metric is an imported one whose samples are perhaps others than those of the number."""
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
    say: NDArray[np.bool_],
    level: float,
    noise: Noise | None,
) -> Difference:
    data = paired(first[say], second[say], pairs.groups[say], relative(pairs.weights(0)[say]))
    scale, top = _scale(row, np.concatenate([first[say], second[say]]))
    found = of_pairs(data, scale, top=top, level=level, noise=noise)
    means = [float(np.average(values, weights=data.weights)) for values in (data.baseline, data.candidate)]
    return Difference(means[0], means[1], found, data.number, (first, second))


def _known(statistics: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(statistics).any(axis=1), bool)


def _weighed(statistics: FloatArray, weights: FloatArray) -> FloatArray:
    """Statistics [n, k] times what each sample weighs; a sample without any adds nothing."""
    own = relative(weights)
    return np.nan_to_num(statistics) * (1.0 if own is None else own[:, None])


def _scale(row: EstimateRow, values: FloatArray) -> tuple[Scale, float]:
    """What kind of values these are, by unit and range."""
    top = _TOP.get(row.unit)
    if top is None or (values < 0).any() or (values > top * (1 + 1e-12)).any():
        return "mean", 1.0
    if top == 1 and np.isin(values, (0.0, 1.0)).all():
        return "binary", 1.0
    return "bounded", top


def _shares(statistics: FloatArray) -> FloatArray:
    """What each sample has of the sums of statistics [n, k], on average over those that are above 0; n times it, so that 1 is the mean."""
    held = statistics[:, (statistics >= 0).all(axis=0) & (statistics.sum(axis=0) > 0)]
    if not held.shape[1]:
        return np.ones(len(statistics))
    found: FloatArray = len(held) * (held / held.sum(axis=0)).mean(axis=1)
    # A sample without any share would be no trial at all: it has at least a hundredth of one.
    return np.maximum(found, 0.01)


def _span(row: EstimateRow, aggregate: Aggregate, *runs: FloatArray) -> float | None:
    """The metric's range; where it has no ends, that of its values over single samples."""
    with np.errstate(all="ignore"):
        values = np.concatenate([np.asarray(aggregate(one[_known(one)]), float) for one in runs])
    values = values[np.isfinite(values)]
    if row.unit in _TOP:
        # Some bias scores lie between -1 and 1.
        return _TOP[row.unit] * (2 if len(values) and values.min() < 0 else 1)
    return float(np.ptp(values)) or None if len(values) else None


def _clusters(pairs: Pairs, say: NDArray[np.bool_]) -> list[str | None]:
    return [cluster for cluster, held in zip(pairs.clusters, say.tolist(), strict=True) if held]


def _without(why: str) -> Difference:
    return Difference(None, None, None, 0, why=why)
