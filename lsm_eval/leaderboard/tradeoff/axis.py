"""An axis: maps numbers to coordinates, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DECADES = 20.0
"""An axis is logarithmic if its largest value is at least this many times its smallest."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps `low` to `high` onto the coordinates `first` to `last`."""

    low: float
    high: float
    first: float
    last: float
    logarithmic: bool

    def at(self, number: float) -> float:
        """The coordinate of a number, clipped to the axis."""
        value = self._of(number)
        share = (value - self._of(self.low)) / (self._of(self.high) - self._of(self.low))
        return round(self.first + (self.last - self.first) * min(max(share, 0.0), 1.0), 1)

    def ticks(self, most: int) -> list[float]:
        """Round numbers on the axis."""
        if not self.logarithmic:
            step = _step((self.high - self.low) / most)
            return [
                n * step
                for n in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
            ]
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [one * 10.0**power for power in powers for one in steps]
            found = [one for one in found if self.low <= one <= self.high]
            if len(found) <= most + 2:
                return found
        return found[:: math.ceil(len(found) / most)]

    def _of(self, number: float) -> float:
        return math.log(max(number, self.low * 1e-9)) if self.logarithmic else number


def axis(numbers: Sequence[float], ends: Sequence[float], first: float, last: float) -> Axis:
    """An axis that covers all numbers (at least one) and the finite `ends` of their intervals, with a margin."""
    values = [one for one in (*numbers, *ends) if math.isfinite(one)]
    low, high = min(values), max(values)
    logarithmic = min(numbers) > 0 and max(numbers) / min(numbers) >= DECADES
    if logarithmic:
        low = max(low, min(numbers) / 10)
        room = (high / low) ** 0.05
        return Axis(low / room, high * room, first, last, logarithmic=True)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return Axis(low - room, high + room, first, last, logarithmic=False)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(one * power for one in (1, 2, 5, 10) if one * power >= rough * (1 - 1e-9))
