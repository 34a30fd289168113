"""The statistics behind a difference's interval and tests, shared by both so that they never contradict each other.

A test at the margin m computes the probability of a difference as large (or as small) as the observed one if the true one is m; the
interval consists of the margins that its two one-sided tests do not reject.

`Score` is for differences between -1 and 1. Its statistic is Tango's (Statistics in Medicine 17:891-908, 1998): the difference
minus m over its standard error, computed with the maximum-likelihood share of differing pairs under m. Two things are added, for
few differing pairs:

- at m = 0, McNemar's mid-p (Lancaster 1961; Fagerland et al., BMC Medical Research Methodology 13:91, 2013) if it is larger;
- at any other m, the exact binomial probability for pairs that differ in one direction only, if it is larger. The p-value of
  no loss in n pairs is then at least the true probability (1 - m)^n.

Counts may be fractional: clusters and values between 0 and 1 give an effective number of trials (`difference`), and
Student's t replaces the normal distribution. With clusters a `Student` statistic of the same difference is used as well, and the larger
p-value counts: Tango's statistic ignores the skewness that a few large clusters with many losses cause.

`Student` is for differences without bounds: the larger p-value of t and of t after Hall's transformation (Journal of the Royal Statistical
Society B 54:221-228, 1992), which corrects for skewness. The former is valid for symmetric differences, the latter for skewed ones;
simulation (`benchmarks/coverage_paired.py`) shows that together they are valid for both.
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
    """Skewness of the mean: that of the clusters' residuals over the square root of their number."""

    def p(self, margin: float, side: Side) -> float:
        """The p-value against the alternative that the true difference lies on this side of the margin."""
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
    """The effective number of trials, and the shares of them that were gained and lost."""

    trials: float
    gained: float
    lost: float
    freedom: float = math.inf
    """Degrees of freedom of Student's t; infinite for the normal distribution."""
    span: float = 1.0
    """The value of a difference of 1 in the metric's unit."""
    student: Student | None = None
    """Student's t for the same difference; a test rejects only if both do."""

    @property
    def value(self) -> float:
        return self.span * (self.gained - self.lost)

    def p(self, margin: float, side: Side) -> float:
        """The p-value against the alternative that the true difference lies on this side of the margin."""
        at = margin / self.span if side == "greater" else -margin / self.span
        up, down = (self.gained, self.lost) if side == "greater" else (self.lost, self.gained)
        found = _greater(self.trials, up, down, at, self.freedom)
        # No difference lies beyond -1 or 1.
        return found if self.student is None or at <= -1 else max(found, self.student.p(margin, side))

    def end(self, level: float, side: Side) -> float:
        """The low end (side "greater") or the high end of the interval with `level` between its ends."""
        tail, sign = (1 - level) / 2, 1.0 if side == "greater" else -1.0
        up, down = (self.gained, self.lost) if side == "greater" else (self.lost, self.gained)
        low = self.span * _low(self.trials, up, down, self.freedom, tail)
        if self.student is not None:
            low = max(-self.span, min(low, sign * self.student.end(level, side)))
        return sign * low


Statistic = Score | Student


def upper_tail(z: float, freedom: float = math.inf) -> float:
    """P(T > z) of Student's t, or of the normal distribution."""
    if math.isinf(freedom) or math.isinf(z):
        return math.erfc(z / math.sqrt(2)) / 2
    from scipy.special import stdtr

    return float(stdtr(freedom, -z))


def _unskewed(apart: float, skew: float) -> float:
    """Hall's transformation of a t statistic: a monotonic cubic that removes the skewness of the mean."""
    if abs(skew) < 1e-9:
        return apart
    return ((1 + skew * apart / 3) ** 3 - 1) / skew + skew / 6


def _skewed(apart: float, skew: float) -> float:
    """The inverse of Hall's transformation."""
    if abs(skew) < 1e-9:
        return apart
    return 3 / skew * (math.cbrt(1 + skew * (apart - skew / 6)) - 1)


def tango(trials: float, gained: float, lost: float, margin: float) -> float:
    """Tango's statistic: the difference between shares minus the margin, over its standard error with the maximum-likelihood share lost
    under the margin. 0 if nothing differs and the margin is 0."""
    apart = gained - lost - margin
    if apart == 0:
        return 0.0
    share = likeliest_lost(gained, lost, margin)
    variance = 2 * share + margin - margin**2
    if variance <= 1e-15:
        return math.copysign(math.inf, apart)
    return apart / math.sqrt(variance / trials)


def likeliest_lost(gained: float, lost: float, margin: float) -> float:
    """The maximum-likelihood share of pairs lost, if the share gained is larger by `margin`: the root of the likelihood's derivative,
    a quadratic equation in this share."""
    same = 1 - gained - lost
    linear = (gained + lost) * (1 - margin) - 2 * margin * (lost + same)
    root = math.sqrt(max(0.0, linear**2 + 8 * lost * margin * (1 - margin)))
    return min(max((linear + root) / 4, 0.0, -margin), (1 - margin) / 2)


def mid_p(gains: float, losses: float) -> float:
    """One-sided mid-p of McNemar's test, with the alternative that gains are more likely: P(X > gains) + P(X = gains) / 2 for as many fair
    coins."""
    from scipy.special import betainc

    if gains + losses <= 0:
        return 0.5
    more = float(betainc(gains + 1, losses, 0.5)) if losses > 0 else 0.0
    as_many = float(betainc(gains, losses + 1, 0.5)) if gains > 0 else 1.0
    return (more + as_many) / 2


def _greater(trials: float, gained: float, lost: float, margin: float, freedom: float) -> float:
    """The p-value against the alternative that the true difference is greater than the margin."""
    if margin <= -1:
        return 0.0
    if margin >= 1:
        return 1.0
    found = upper_tail(tango(trials, gained, lost, margin), freedom)
    if margin == 0:
        return max(found, mid_p(trials * gained, trials * lost))
    return max(found, _one_way(trials, trials * (gained - lost), margin))


def _one_way(trials: float, net: float, margin: float) -> float:
    """P(net gain at least as large) if no pair differs against the margin's direction."""
    from scipy.special import betainc, betaincc

    if margin > 0:
        return float(betainc(net, trials - net + 1, margin)) if net > 0 else 1.0
    if net > 0:
        return 0.0
    return float(betaincc(1 - net, trials + net, -margin)) if net > -trials else 1.0


def _low(trials: float, gained: float, lost: float, freedom: float, tail: float) -> float:
    """The margin at which the test's p is `tail`: p increases with the margin everywhere except at 0."""
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
