"""The Pareto front of models by quality and cost, with its uncertainty.

A model is outdone by another that is better in quality and no worse in cost. It is *surely off* the front where one model is shown to outdo
it, and *surely on* it where every other model is shown to be worse in quality or in cost; else it *may be* on it. What is shown is shown with
simultaneous control of 95 % over all models: of quality by all paired comparisons at once (`statistics.ranking`); where costs are uncertain, too, each
gets half of the error, costs by intervals that hold all at once (Bonferroni). The front of the values alone is the *observed* one.

The set of those that are not surely off holds the whole true front with that confidence, as honestboard's `pareto_frontier` does by a
critical value for cheaper rivals alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.combined import Interval

Status = Literal["on", "may", "off", "unknown"]
ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Front:
    """Of m models."""

    statuses: tuple[Status, ...]
    observed: tuple[bool, ...]
    """Whether a model's values alone put it on the front."""


def front(
    quality: Sequence[float],
    better: NDArray[np.bool_],
    stricter: NDArray[np.bool_],
    costs: Sequence[Interval],
    numbers: Sequence[int | None],
    *,
    higher_is_better: bool,
    more_is_cheaper: bool,
) -> Front:
    """`better` [m, m]: whether the row is shown to have more quality than the column, `stricter`: at half the error. `numbers`:
    of measurements behind each cost."""
    value = np.array([one.value for one in costs])
    score = np.asarray(quality, float) * (1 if higher_is_better else -1)
    price = -value if more_is_cheaper else value
    cheaper = price[:, None] < price
    if all(one.low is None or one.high is None for one in costs):
        shown, no_worse, told = cheaper, price[:, None] <= price, better
    else:
        shown = no_worse = _shown(costs, numbers, more_is_cheaper)
        told = stricter
    off: list[bool] = np.asarray((told & no_worse).any(axis=0)).tolist()
    on: list[bool] = np.asarray((told | shown | np.eye(len(value), dtype=bool)).all(axis=1)).tolist()
    return Front(
        tuple("off" if no else "on" if yes else "may" for no, yes in zip(off, on, strict=True)),
        tuple(bool(one) for one in ~dominated(score, price)),
    )


def _shown(
    costs: Sequence[Interval], numbers: Sequence[int | None], more_is_cheaper: bool
) -> NDArray[np.bool_]:
    """Whether the row is shown to be cheaper than the column: where their intervals, which hold all at once, do not meet."""
    factors = [wider(len(costs), number) for number in numbers]
    ends = [_wide(one, factor) for one, factor in zip(costs, factors, strict=True)]
    low, high = np.array(ends, float).T
    made: NDArray[np.bool_] = low[:, None] > high if more_is_cheaper else high[:, None] < low
    return made


def wider(models: int, number: int | None) -> float:
    """How many times as wide an interval of 95 % must be for intervals of so many models to hold all at once at half the error."""
    from scipy.special import ndtri, stdtrit

    tail = ERROR / 2 / 2 / models
    if number is None or number > 200 or number < 2:
        return float(ndtri(tail) / ndtri(0.025))
    return float(stdtrit(number - 1, tail) / stdtrit(number - 1, 0.025))


def _wide(one: Interval, factor: float) -> tuple[float, float]:
    if one.low is None or one.high is None:
        return -np.inf, np.inf
    if one.low > 0:
        # On the logarithm: a cost has no end below 0.
        return one.value * (one.low / one.value) ** factor, one.value * (one.high / one.value) ** factor
    return one.value - factor * (one.value - one.low), one.value + factor * (one.high - one.value)


def dominated(score: FloatArray, price: FloatArray) -> NDArray[np.bool_]:
    """Whether another has as much quality for as little, and more of one [m]."""
    above, cheaper = score[:, None] >= score, price[:, None] <= price
    both = above & cheaper & ((score[:, None] > score) | (price[:, None] < price))
    return np.asarray(both.any(axis=0), bool)
