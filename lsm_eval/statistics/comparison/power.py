"""How many pairs a gate needs, and what a given number of pairs can show.

Sample sizes are those of Tango's and McNemar's score tests (Connor, Biometrics 43:207-211, 1987; Nam, Biometrics 53:1422-1430, 1997):
n = ((z_α σ₀ + z_β σ₁) / distance)², where σ₀ is the standard deviation of a pair's difference under the null hypothesis and σ₁
that under the true difference. For means both are the observed one, and z²/2 is added for Student's t (Guenther, The American
Statistician 35:243-244, 1981). Clusters multiply n by the design effect.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from lsm_eval.errors import UserError
from lsm_eval.statistics.comparison.difference import Difference
from lsm_eval.statistics.comparison.score import Score, likeliest_lost
from lsm_eval.statistics.comparison.verdicts import FALSE_ALARM, FALSE_PASS

_NORMAL = NormalDist()
_MOST = 1e12


@dataclass(frozen=True, slots=True)
class Shares:
    """Pairs of 0 or 1 (or of bounded values), of which a share differs."""

    discordance: float
    """Share of pairs that differ, 0 to 1."""
    design: float = 1.0
    """Design effect: the variance over that of as many independent pairs."""

    def true(self, loss: float) -> float:
        """Standard deviation of a pair's difference for this true loss."""
        return math.sqrt(max(0.0, max(self.discordance, abs(loss)) - loss**2))

    def null(self, loss: float, true: float) -> float:
        """The same under the tested loss, as estimated if the true loss is `true`."""
        differ = max(self.discordance, abs(true))
        share = likeliest_lost((differ - true) / 2, (differ + true) / 2, -loss)
        return math.sqrt(max(0.0, 2 * share - loss - loss**2))

    def least(self, loss: float, alpha: float) -> float:
        """The least number of pairs that can rule the loss out, if all of them are equal (the exact bound)."""
        return math.log(alpha) / math.log1p(-loss) if 0 < loss < 1 else 1.0


@dataclass(frozen=True, slots=True)
class Means:
    """Pairs whose differences have this standard deviation, in the metric's unit."""

    deviation: float
    design: float = 1.0
    span: float | None = None
    """The range of the values, if equal pairs are bounded by it (`difference`, `corpus`)."""

    def true(self, loss: float) -> float:
        return self.deviation

    def null(self, loss: float, true: float) -> float:
        return self.deviation

    def least(self, loss: float, alpha: float) -> float:
        few = _NORMAL.inv_cdf(1 - alpha) ** 2 / 2 + 2
        if self.span is None or not 0 < loss < self.span:
            return few
        # If no pair differed, the exact bound would apply.
        return max(few, math.log(alpha) / math.log1p(-loss / self.span))


Spread = Shares | Means


def spread_of(found: Difference) -> Spread | None:
    """The spread observed in a comparison, for planning the next; None if there is no interval. Differences of bounded values are
    shares of their range (`Score.span`)."""
    if found.statistic is None or found.stderr is None:
        return None
    if isinstance(found.statistic, Score):
        own = found.statistic
        return Shares(own.gained + own.lost, found.n / own.trials)
    return Means(found.statistic.stderr * math.sqrt(found.n))


def pairs_to_pass(
    margin: float, spread: Spread, *, power: float = 0.9, loss: float = 0.0, false_pass: float = FALSE_PASS
) -> int | None:
    """Number of pairs with which a candidate with this true loss (0: an unchanged one) passes with probability `power`; None if its loss is
    not smaller than the margin."""
    _checked(power, margin)
    if loss >= margin:
        return None
    alpha, beta = _z(1 - false_pass), _z(power)
    number = ((alpha * spread.null(margin, loss) + beta * spread.true(loss)) / (margin - loss)) ** 2
    if isinstance(spread, Means):
        number += alpha**2 / 2
    return _whole(max(number, spread.least(margin, false_pass)) * spread.design)


def pairs_to_fail(
    loss: float,
    spread: Spread,
    *,
    margin: float = 0.0,
    metrics: int = 1,
    power: float = 0.8,
    false_alarm: float = FALSE_ALARM,
) -> int | None:
    """Number of pairs with which a candidate with this true loss fails with probability `power`, as one of `metrics` metrics; None if its
    loss is not larger than the margin."""
    _checked(power, margin)
    if loss <= margin or loss <= 0:
        return None
    alpha, beta, true = _z(1 - false_alarm / metrics), _z(power), spread.true(loss)
    proven = ((alpha * spread.null(0.0, loss) + beta * true) / loss) ** 2
    if isinstance(spread, Means):
        proven += alpha**2 / 2
    beyond = (max(beta, 0.0) * true / (loss - margin)) ** 2
    return _whole(max(proven, beyond) * spread.design)


def smallest_margin(
    n: int, spread: Spread, *, power: float = 0.9, loss: float = 0.0, false_pass: float = FALSE_PASS
) -> float | None:
    """The smallest margin at which n pairs pass a candidate with this true loss with probability `power`; None if there is none."""
    return _smallest(
        lambda margin: pairs_to_pass(margin, spread, power=power, loss=loss, false_pass=false_pass),
        n,
        loss,
        spread,
    )


def smallest_loss(
    n: int,
    spread: Spread,
    *,
    margin: float = 0.0,
    metrics: int = 1,
    power: float = 0.8,
    false_alarm: float = FALSE_ALARM,
) -> float | None:
    """The smallest true loss that n pairs fail with probability `power`; None if there is none."""
    return _smallest(
        lambda loss: pairs_to_fail(
            loss, spread, margin=margin, metrics=metrics, power=power, false_alarm=false_alarm
        ),
        n,
        margin,
        spread,
    )


def _smallest(needed: Callable[[float], int | None], n: int, low: float, spread: Spread) -> float | None:
    """By bisection: the larger the value, the fewer pairs are needed."""
    high = 1.0 if isinstance(spread, Shares) else max(low, 0.0) + 1e4 * max(spread.deviation, 1e-300)
    enough = needed(high)
    if enough is None or enough > n:
        return None
    for _ in range(100):
        middle = (low + high) / 2
        found = needed(middle)
        low, high = (low, middle) if found is not None and found <= n else (middle, high)
    return high


def _checked(power: float, margin: float) -> None:
    if not 0 < power < 1:
        raise UserError(f"The power {power:g} is not possible: give a probability between 0 and 1.")
    if not margin >= 0:
        raise UserError(f"The margin {margin:g} is negative: give the acceptable loss, 0 or more.")


def _whole(number: float) -> int | None:
    return math.ceil(number - 1e-9) if number < _MOST else None


def _z(share: float) -> float:
    return _NORMAL.inv_cdf(share)
