"""The difference of two models on the samples that both answered, its interval and p, made anew. Shares no code with the package.

Of values between two ends a test asks how likely so large a difference would be if the true one were m: Tango's score (1998), and no less than exact
tests say for few pairs that differ (McNemar's mid-p at m = 0, the binomial of pairs that differ one way only elsewhere). The interval holds the
m that neither one-sided test rejects. Of other numbers it is Student's t, before and after Hall's transformation (1992).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from recomputed_intervals import Ends
from scipy import optimize, special, stats

Numbers = NDArray[np.float64]
TOPS = {"fraction": 1.0, "points": 100.0}


@dataclass(frozen=True)
class Difference:
    """The second less the first; without ends and p where there can be none."""

    n: int
    missing: int
    """Samples that one of them alone answered."""
    differs: int
    means: Ends | None
    value: float | None
    ends: Ends | None = None
    p: float | None = None
    method: str = "none"


def difference(first: Numbers, second: Numbers, unit: str, *, tested: bool) -> Difference:
    """Of scores [n] in the same order, NaN where there is none; of samples that stand alone and weigh the same, where it is `tested`."""
    both = ~np.isnan(first) & ~np.isnan(second)
    one, two = first[both], second[both]
    n = len(one)
    missing = int((~np.isnan(first) | ~np.isnan(second)).sum()) - n
    if not n:
        return Difference(0, missing, 0, None, None)
    apart = two - one
    value = math.fsum(apart) / n
    found = Difference(n, missing, int((apart != 0).sum()), (math.fsum(one) / n, math.fsum(two) / n), value)
    if not tested or n < 2:
        return found
    made = _tested(one, two, unit, value)
    if made is None:
        return found
    (low, high), p, method = made
    return Difference(
        n, missing, found.differs, found.means, value, (min(low, value), max(high, value)), p, method
    )


def _tested(one: Numbers, two: Numbers, unit: str, value: float) -> tuple[Ends, float, str] | None:
    every, apart, n = np.concatenate([one, two]), two - one, len(one)
    top = TOPS.get(unit, 0.0)
    ranged = top > 0 and every.min() >= 0 and every.max() <= top * (1 + 1e-12)
    if not ranged:
        if n < 10:
            return None
        if (apart != 0).sum() >= 10:
            return _student(apart, value)
        # A few pairs that differ tell no spread: as of values that keep to the range seen.
        top = float(every.max() - every.min())
        if top == 0:
            return None
    gained, lost = (math.fsum(np.maximum(sign * apart / top, 0)) / n for sign in (1, -1))
    if ranged and top == 1 and np.isin(every, (0, 1)).all():
        return _scored(n, gained, lost, math.inf, 1.0, "tango(paired)")
    most = gained + lost - (gained - lost) ** 2
    share = min(float(np.var(apart / top, ddof=1)) / n * (n - 1) / most, 1.0) if most > 1e-15 else 1.0
    events = n * most
    trials = n * (events + 0.5) / (share * events + 0.5)
    return _scored(trials, gained, lost, n - 1, top, "tango(effective, paired)")


def _student(apart: Numbers, value: float) -> tuple[Ends, float, str] | None:
    n = len(apart)
    error = float(np.std(apart, ddof=1)) / math.sqrt(n)
    if error <= 1e-12 * max(abs(value), 1e-300):
        return None
    rest = apart - value
    skew = math.fsum(rest**3) / math.fsum(rest**2) ** 1.5
    q = float(stats.t.ppf(0.975, n - 1))
    ends = [value - sign * max(q, _back(q, sign * skew)) * error for sign in (1, -1)]
    tails = [
        float(stats.t.sf(min(sign * value / error, _hall(sign * value / error, sign * skew)), n - 1))
        for sign in (1, -1)
    ]
    return (ends[0], ends[1]), min(1.0, 2 * min(tails)), "t(paired)"


def _hall(t: float, skew: float) -> float:
    return t if abs(skew) < 1e-9 else ((1 + skew * t / 3) ** 3 - 1) / skew + skew / 6


def _back(t: float, skew: float) -> float:
    """What Hall's transformation makes this of."""
    return t if abs(skew) < 1e-9 else 3 / skew * (float(np.cbrt(1 + skew * (t - skew / 6))) - 1)


def _scored(
    trials: float, gained: float, lost: float, freedom: float, top: float, method: str
) -> tuple[Ends, float, str]:
    low = top * _low(trials, gained, lost, freedom)
    high = -top * _low(trials, lost, gained, freedom)
    sides = (_beyond(trials, gained, lost, 0.0, freedom), _beyond(trials, lost, gained, 0.0, freedom))
    return (low, high), min(1.0, 2 * min(sides)), method


def _beyond(trials: float, gained: float, lost: float, margin: float, freedom: float) -> float:
    """p of the test that the true difference is greater than the margin."""
    z = _tango(trials, gained, lost, margin)
    tail = special.ndtr(-z) if math.isinf(freedom) else special.stdtr(freedom, -z)
    exact = _few(trials, gained, lost) if margin == 0 else _one_way(trials, trials * (gained - lost), margin)
    return max(float(tail), exact)


def _tango(trials: float, gained: float, lost: float, margin: float) -> float:
    """The difference less the margin over its standard error, with the share lost that is likeliest under the margin: the larger root of
    2 q² - b q - lost · margin · (1 - margin)."""
    apart = gained - lost - margin
    if apart == 0:
        return 0.0
    b = (gained + lost) * (1 - margin) - 2 * margin * (1 - gained)
    root = (b + math.sqrt(max(b * b + 8 * lost * margin * (1 - margin), 0.0))) / 4
    share = min(max(root, 0.0, -margin), (1 - margin) / 2)
    variance = (2 * share + margin - margin * margin) / trials
    return math.copysign(math.inf, apart) if variance * trials <= 1e-15 else apart / math.sqrt(variance)


def _few(trials: float, gained: float, lost: float) -> float:
    """McNemar's mid-p, of numbers of pairs that need not be whole."""
    won, gone = trials * gained, trials * lost
    if won + gone <= 0:
        return 0.5
    more = float(special.betainc(won + 1, gone, 0.5)) if gone > 0 else 0.0
    return (more + (float(special.betainc(won, gone + 1, 0.5)) if won > 0 else 1.0)) / 2


def _one_way(trials: float, net: float, margin: float) -> float:
    """How likely a net gain as large is where no pair differs against the margin's direction: binomial."""
    if margin > 0:
        return float(special.betainc(net, trials - net + 1, margin)) if net > 0 else 1.0
    if net > 0:
        return 0.0
    return float(special.betaincc(1 - net, trials + net, -margin)) if net > -trials else 1.0


def _low(trials: float, gained: float, lost: float, freedom: float) -> float:
    """The smallest margin that is not rejected: p rises with the margin, but for a step at 0."""

    def over(margin: float) -> float:
        return _beyond(trials, gained, lost, margin or 1e-300, freedom) - 0.025

    high = gained - lost
    if high <= -1 or over(high) <= 0:
        return high
    found = float(optimize.brentq(over, -1 + 1e-15, high, xtol=1e-13))
    return 0.0 if found > 0 and _beyond(trials, gained, lost, 0.0, freedom) > 0.025 else found


def holm(ps: Sequence[float]) -> list[float]:
    """Holm 1979: the smallest times the number of all, the next times one less, none smaller than one before it."""
    adjusted = [0.0] * len(ps)
    most = 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        most = max(most, min(1.0, ps[at] * (len(ps) - rank)))
        adjusted[at] = most
    return adjusted
