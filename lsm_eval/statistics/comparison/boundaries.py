"""Boundaries of a group-sequential test, by numerical integration.

The test statistics at the looks follow a Brownian motion: each is normal with variance 1, with independent increments. The density
below the boundary is propagated from look to look by Simpson's rule (Armitage, McPherson & Rowe, Journal of the Royal Statistical
Society A 132:235-244, 1969), on the grid of Jennison & Turnbull (Group Sequential Methods, 2000, section 19.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.spending import Spending

FINENESS = 18
"""r of Jennison & Turnbull: the grid has 12 r - 3 points."""
_FAR = 38.0
"""Standard deviations beyond which the density is 0 in double precision."""


@lru_cache(maxsize=1024)
def boundaries(
    alpha: float, shares: tuple[float, ...], spending: Spending | None = None, *, fineness: int = FINENESS
) -> tuple[float, ...]:
    """The upper boundary at each look, for shares of the samples that increase up to at most 1: without an effect, the probability that the
    statistic first reaches its boundary at this look is the error that the spending function spends since the previous look. Infinite
    if that is 0. Raises `UserError` for shares that do not increase."""
    check_shares(shares)
    how = spending or Spending()
    found: list[float] = []
    state: tuple[FloatArray, FloatArray] | None = None
    before, used = 0.0, 0.0
    for share in shares:
        spent = how.spent(alpha, share)
        here = _boundary(state, before, share, spent - used, fineness)
        found.append(here)
        state = _kept(state, before, share, here, 0.0, fineness)
        before, used = share, spent
    return tuple(found)


def crossings(
    limits: Sequence[float], shares: Sequence[float], drift: float = 0.0, *, fineness: int = FINENESS
) -> tuple[float, ...]:
    """The probability that each look is the first at which the statistic is at or above its limit, if its mean is `drift` times the square
    root of the share."""
    check_shares(shares)
    if len(limits) != len(shares):
        raise UserError("Give a limit for each look.")
    found: list[float] = []
    state: tuple[FloatArray, FloatArray] | None = None
    before = 0.0
    for limit, share in zip(limits, shares, strict=True):
        found.append(_beyond(state, before, share, limit, drift))
        state = _kept(state, before, share, limit, drift, fineness)
        before = share
    return tuple(found)


def inflation(
    alpha: float, power: float, shares: tuple[float, ...], spending: Spending | None = None
) -> float:
    """The factor by which a test with looks needs more samples than a single test at `alpha` for the same power (Jennison & Turnbull,
    section 2.3): multiply the numbers of `power` by it. Raises `UserError` unless the power lies between `alpha` and 1."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if not alpha < power < 1:
        raise UserError(f"The power {power:g} is not possible: give a probability between {alpha:g} and 1.")
    limits = boundaries(alpha, shares, spending)
    single = float(ndtri(1 - alpha) + ndtri(power))
    drift = brentq(lambda one: sum(crossings(limits, shares, one)) - power, 0.0, 10 + 3 * single, xtol=1e-10)
    return (float(drift) / single) ** 2


def check_shares(shares: Sequence[float]) -> None:
    """Raises `UserError` unless the shares increase from above 0 to at most 1."""
    if not shares or not all(
        one < other for one, other in zip((0.0, *shares), (*shares, math.inf), strict=True)
    ):
        raise UserError("The shares of the samples at the looks must increase, starting above 0.")
    if shares[-1] > 1 + 1e-12:
        raise UserError("The share of the samples at a look must not exceed 1.")


def _beyond(
    state: tuple[FloatArray, FloatArray] | None, before: float, share: float, limit: float, drift: float
) -> float:
    """The probability of no crossing before, and a statistic at or above the limit now."""
    from scipy.special import ndtr

    if math.isinf(limit):
        return 0.0 if limit > 0 else 1.0
    if state is None:
        return float(ndtr(drift * math.sqrt(share) - limit))
    z, mass = state
    more = share - before
    mean = z * math.sqrt(before) + drift * more
    return float(mass @ ndtr((mean - limit * math.sqrt(share)) / math.sqrt(more)))


def _boundary(
    state: tuple[FloatArray, FloatArray] | None, before: float, share: float, spend: float, fineness: int
) -> float:
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if spend <= 0 or _beyond(state, before, share, _FAR, 0.0) >= spend:
        return math.inf
    if state is None:
        return -float(ndtri(spend))
    return float(
        brentq(
            lambda limit: _beyond(state, before, share, limit, 0.0) - spend,
            -_FAR,
            _FAR,
            xtol=1e-12,
            rtol=1e-14,
        )
    )


def _kept(
    state: tuple[FloatArray, FloatArray] | None,
    before: float,
    share: float,
    limit: float,
    drift: float,
    fineness: int,
) -> tuple[FloatArray, FloatArray]:
    """Points z, and at each the probability mass of the paths that have not crossed."""
    z, weight = grid(drift * math.sqrt(share), limit, fineness)
    if state is None:
        return z, weight * _density(z - drift * math.sqrt(share))
    old, mass = state
    more = share - before
    scale = math.sqrt(share / more)
    mean = (old * math.sqrt(before) + drift * more) / math.sqrt(more)
    return z, weight * scale * (_density(z[:, None] * scale - mean) @ mass)


def grid(mean: float, limit: float, fineness: int) -> tuple[FloatArray, FloatArray]:
    """Simpson's points below the limit and their weights: dense around this mean of the normal density, sparser outwards."""
    outer = 3 + 4 * np.log(fineness / np.arange(1.0, fineness))
    inner = np.linspace(-3.0, 3.0, 4 * fineness + 1)
    nodes = mean + np.concatenate([-outer, inner, outer[::-1]])
    if limit < nodes[-1]:
        nodes = np.append(nodes[nodes < limit], limit)
    if len(nodes) == 1:
        return nodes, np.zeros(1)
    points = np.empty(2 * len(nodes) - 1)
    points[::2], points[1::2] = nodes, (nodes[:-1] + nodes[1:]) / 2
    width = np.diff(nodes)
    weights = np.zeros(len(points))
    weights[1::2] = 4 * width
    weights[:-1:2] += width
    weights[2::2] += width
    return points, weights / 6


def _density(z: FloatArray) -> FloatArray:
    made: FloatArray = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return made
