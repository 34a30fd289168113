"""The Pareto front of models by quality and cost, with its uncertainty.

A model is dominated by another that is better in quality and no worse in cost. It is *surely off* the front if some model is shown to
dominate it, and *surely on* it if every other model is shown to be worse in quality or in cost; otherwise it *may be* on it. "Shown"
means with simultaneous confidence of 95 % over all models: for quality by all paired comparisons (`statistics.ranking`); if costs are
uncertain too, quality and costs get half of the error each, costs by simultaneous intervals (Bonferroni). The front of the values alone
is the *observed* one.

The models that are not surely off contain the whole true front with that confidence, like honestboard's `pareto_frontier`, which uses a
critical value for cheaper rivals only.
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
    """The Pareto front of m models."""

    statuses: tuple[Status, ...]
    observed: tuple[bool, ...]
    """Whether a model is on the front by its values alone."""


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
    """`better` [m, m]: whether the row is shown to have higher quality than the column; `stricter`: at half the error. `numbers`:
    the number of measurements behind each cost."""
    value = np.array([one.value for one in costs])
    score = np.asarray(quality, float) * (1 if higher_is_better else -1)
    price = -value if more_is_cheaper else value
    cheaper = price[:, None] < price
    if all(one.low is None or one.high is None for one in costs):
        shown, no_worse, proven = cheaper, price[:, None] <= price, better
    else:
        shown = no_worse = _shown(costs, numbers, more_is_cheaper)
        proven = stricter
    off: list[bool] = np.asarray((proven & no_worse).any(axis=0)).tolist()
    on: list[bool] = np.asarray((proven | shown | np.eye(len(value), dtype=bool)).all(axis=1)).tolist()
    return Front(
        tuple("off" if no else "on" if yes else "may" for no, yes in zip(off, on, strict=True)),
        tuple(bool(one) for one in ~dominated(score, price)),
    )


def _shown(
    costs: Sequence[Interval], numbers: Sequence[int | None], more_is_cheaper: bool
) -> NDArray[np.bool_]:
    """Whether the row is shown to be cheaper than the column: their simultaneous intervals do not overlap."""
    factors = [wider(len(costs), number) for number in numbers]
    ends = [_wide(one, factor) for one, factor in zip(costs, factors, strict=True)]
    low, high = np.array(ends, float).T
    made: NDArray[np.bool_] = low[:, None] > high if more_is_cheaper else high[:, None] < low
    return made


def wider(models: int, number: int | None) -> float:
    """The factor by which an interval of 95 % must be widened so that the intervals of all `models` hold simultaneously at half the error."""
    from scipy.special import ndtri, stdtrit

    tail = ERROR / 2 / 2 / models
    if number is None or number > 200 or number < 2:
        return float(ndtri(tail) / ndtri(0.025))
    return float(stdtrit(number - 1, tail) / stdtrit(number - 1, 0.025))


def _wide(one: Interval, factor: float) -> tuple[float, float]:
    if one.low is None or one.high is None:
        return -np.inf, np.inf
    if one.low > 0:
        # On the log scale, since a cost cannot be below 0.
        return one.value * (one.low / one.value) ** factor, one.value * (one.high / one.value) ** factor
    return one.value - factor * (one.value - one.low), one.value + factor * (one.high - one.value)


def dominated(score: FloatArray, price: FloatArray) -> NDArray[np.bool_]:
    """Whether another model is at least as good in quality and price, and better in one of them [m]."""
    above, cheaper = score[:, None] >= score, price[:, None] <= price
    both = above & cheaper & ((score[:, None] > score) | (price[:, None] < price))
    return np.asarray(both.any(axis=0), bool)
