"""The statistics that a difference's interval and all its tests are made from, so that they never contradict each other.

A test at the margin m asks how likely a difference as large (or as small) as the one seen would be if the true one were m; the
interval holds the margins that its two one-sided tests do not reject.

`Score` is for differences between -1 and 1. Its statistic is Tango's (Statistics in Medicine 17:891-908, 1998): the difference
less m over its standard error, in which the share of pairs that differ is the likeliest one under m. Two things are added, for
few pairs that differ:

- at m = 0, McNemar's mid-p (Lancaster 1961; Fagerland et al., BMC Medical Research Methodology 13:91, 2013) if it is larger;
- at any other m, the exact binomial probability for pairs that differ in one direction only, if it is larger. The chance of
  no loss in n pairs is then (1 - m)^n at most, as it is.

Counts need not be whole numbers: clusters and values between 0 and 1 make an effective number of trials (`difference`), and
Student's t takes the place of the normal distribution. In clusters a `Student` of the same difference stands beside it, and what says
less counts: a few large clusters that lost much are a skewness that Tango's statistic does not know.

`Student` is for differences without bounds: t, and the same after Hall's transformation (Journal of the Royal Statistical Society B
54:221-228, 1992), which allows for skewness, whichever says less. Of differences that are spread evenly the former holds, of skewed ones the
latter; simulation (`benchmarks/coverage_paired.py`) shows that together they hold for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Side = Literal["less", "greater"]
"""The alternative of a one-sided test: that the true difference is less, or greater, than a margin."""


@dataclass(frozen=True, slots=True)
class Student:
    """A difference without bounds, its standard error and degrees of freedom."""

    value: float
    stderr: float
    freedom: float
    skew: float = 0.0
    """Skewness of the mean: that of the clusters' residuals over the root of their number."""

    def p(self, margin: float, side: Side) -> float:
        """Of the test that the true difference lies on this side of the margin."""
        sign = 1.0 if side == "greater" else -1.0
        apart, skew = sign * (self.value - margin) / self.stderr, sign * self.skew
        return upper_tail(min(apart, _unskewed(apart, skew)), self.freedom)

    def end(self, level: float, side: Side) -> float:
        """The low end (side "greater") or the high end of the interval with `level` between its ends."""
        from scipy.special import stdtrit

        sign = 1.0 if side == "greater" else -1.0
        quantile = float(stdtrit(self.freedom, 0.5 + level / 2))
        return self.value - sign * max(quantile, _skewed(quantile, sign * self.skew)) * self.stderr


@dataclass(frozen=True, slots=True)
class Score:
    """Effective trials, and the shares of them that were gained and lost."""

    trials: float
    gained: float
    lost: float
    freedom: float = math.inf
    """Degrees of freedom of Student's t; infinite for the normal distribution."""
    span: float = 1.0
    """What a difference of 1 is in the metric's unit."""
    beside: Student | None = None
    """Of the same difference; a test rejects where both do."""

    @property
    def value(self) -> float:
        return self.span * (self.gained - self.lost)

    def p(self, margin: float, side: Side) -> float:
        """Of the test that the true difference lies on this side of the margin."""
        at = margin / self.span if side == "greater" else -margin / self.span
        up, down = (self.gained, self.lost) if side == "greater" else (self.lost, self.gained)
        found = _greater(self.trials, up, down, at, self.freedom)
        # No difference lies beyond -1 or 1.
        return found if self.beside is None or at <= -1 else max(found, self.beside.p(margin, side))

    def end(self, level: float, side: Side) -> float:
        """The low end (side "greater") or the high end of the interval with `level` between its ends."""
        tail, sign = (1 - level) / 2, 1.0 if side == "greater" else -1.0
        up, down = (self.gained, self.lost) if side == "greater" else (self.lost, self.gained)
        low = self.span * _low(self.trials, up, down, self.freedom, tail)
        if self.beside is not None:
            low = max(-self.span, min(low, sign * self.beside.end(level, side)))
        return sign * low


Statistic = Score | Student


def upper_tail(z: float, freedom: float = math.inf) -> float:
    """P(T > z) of Student's t, or of the normal distribution."""
    if math.isinf(freedom) or math.isinf(z):
        return math.erfc(z / math.sqrt(2)) / 2
    from scipy.special import stdtr

    return float(stdtr(freedom, -z))


def _unskewed(apart: float, skew: float) -> float:
    """Hall's transformation of a t statistic: a cubic that rises throughout and takes the skewness of the mean out of it."""
    if abs(skew) < 1e-9:
        return apart
    return ((1 + skew * apart / 3) ** 3 - 1) / skew + skew / 6


def _skewed(apart: float, skew: float) -> float:
    """The statistic whose transformation is this."""
    if abs(skew) < 1e-9:
        return apart
    return 3 / skew * (math.cbrt(1 + skew * (apart - skew / 6)) - 1)


def tango(trials: float, gained: float, lost: float, margin: float) -> float:
    """Tango's statistic: the difference of shares less the margin over its standard error, in which the share lost is the
    likeliest one under the margin. 0 where there is no telling (all pairs alike and no margin)."""
    apart = gained - lost - margin
    if apart == 0:
        return 0.0
    share = likeliest_lost(gained, lost, margin)
    variance = 2 * share + margin - margin**2
    if variance <= 1e-15:
        return math.copysign(math.inf, apart)
    return apart / math.sqrt(variance / trials)


def likeliest_lost(gained: float, lost: float, margin: float) -> float:
    """The likeliest share of pairs lost, where those gained are more by `margin`: the root of the likelihood's derivative,
    a square equation in this share."""
    same = 1 - gained - lost
    linear = (gained + lost) * (1 - margin) - 2 * margin * (lost + same)
    root = math.sqrt(max(0.0, linear**2 + 8 * lost * margin * (1 - margin)))
    return min(max((linear + root) / 4, 0.0, -margin), (1 - margin) / 2)


def mid_p(gains: float, losses: float) -> float:
    """One-sided mid-p of McNemar's test that gains are the likelier: P(X > gains) + P(X = gains) / 2 of so many fair coins."""
    from scipy.special import betainc

    if gains + losses <= 0:
        return 0.5
    more = float(betainc(gains + 1, losses, 0.5)) if losses > 0 else 0.0
    as_many = float(betainc(gains, losses + 1, 0.5)) if gains > 0 else 1.0
    return (more + as_many) / 2


def _greater(trials: float, gained: float, lost: float, margin: float, freedom: float) -> float:
    """p of the test that the true difference is greater than the margin."""
    if margin <= -1:
        return 0.0
    if margin >= 1:
        return 1.0
    found = upper_tail(tango(trials, gained, lost, margin), freedom)
    if margin == 0:
        return max(found, mid_p(trials * gained, trials * lost))
    return max(found, _one_way(trials, trials * (gained - lost), margin))


def _one_way(trials: float, net: float, margin: float) -> float:
    """P(net gain at least as large) where no pair goes against the margin's direction."""
    from scipy.special import betainc, betaincc

    if margin > 0:
        return float(betainc(net, trials - net + 1, margin)) if net > 0 else 1.0
    if net > 0:
        return 0.0
    return float(betaincc(1 - net, trials + net, -margin)) if net > -trials else 1.0


def _low(trials: float, gained: float, lost: float, freedom: float, tail: float) -> float:
    """Where the test's p is `tail`: p rises with the margin everywhere but at 0."""
    from scipy.optimize import brentq

    def beyond(margin: float) -> float:
        return _greater(trials, gained, lost, margin if margin != 0 else 1e-300, freedom) - tail

    high = gained - lost
    if high <= -1 or beyond(high) <= 0:
        return high
    low = float(brentq(beyond, -1.0, high, xtol=1e-13, rtol=1e-14))
    if low > 0 and _greater(trials, gained, lost, 0.0, freedom) > tail:
        return 0.0
    return low
