"""The mean of repeated measurements, and a rate from them, with Student's t.

Consecutive repeats drift together (temperature, other load), which the interval does not include: spread them over
time, and alternate them with those they are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.statistics.bounded import t_quantile


@dataclass(frozen=True, slots=True)
class RepeatedEstimate:
    """An estimate from repeated measurements."""

    value: float | None
    low: float | None
    high: float | None
    stderr: float | None
    method: str
    n: int
    level: float = 0.95

    @property
    def half_width(self) -> float:
        """Half the interval's width as a share of the value; infinite if there is no interval."""
        if self.value is None or self.low is None or self.high is None or not self.value:
            return math.inf
        return (self.high - self.low) / 2 / abs(self.value)


def repeated_mean(values: Sequence[float], level: float = 0.95) -> RepeatedEstimate:
    """Mean and t interval of values that are 0 or more, such as times; no interval for fewer than two."""
    return repeated_rate(values, [1.0] * len(values), level)


def repeated_rate(amounts: Sequence[float], per: Sequence[float], level: float = 0.95) -> RepeatedEstimate:
    """Sum of `amounts` over the sum of `per` (seconds above 0, parallel), with the interval of a ratio of two sums (Cochran,
    "Sampling Techniques", 1977, section 6.5): its residuals are amount - ratio * per. No end is below 0."""
    number, whole = len(amounts), math.fsum(per)
    if not number or whole <= 0:
        return RepeatedEstimate(None, None, None, None, "none (nothing was measured)", number, level)
    ratio = math.fsum(amounts) / whole
    if number < 2:
        return RepeatedEstimate(ratio, None, None, None, "none (one measurement)", number, level)
    squares = math.fsum((amount - ratio * own) ** 2 for amount, own in zip(amounts, per, strict=True))
    stderr = math.sqrt(squares / (number - 1) / number) / (whole / number)
    reach = t_quantile(number - 1, level) * stderr
    return RepeatedEstimate(
        ratio, max(ratio - reach, 0.0), ratio + reach, stderr, "t(repeats)", number, level
    )
