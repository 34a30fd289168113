"""Geometry of the charts, computed when the site is built: from numbers to SVG coordinates. Templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """A position on an axis, and its label."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with its interval, in SVG units; the ends are None if it has no interval."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    """Ends on the y axis."""
    left: float | None = None
    right: float | None = None
    """Ends on the x axis."""
    text: str = ""
    broken: bool = False
    """Whether the line is interrupted before this mark."""
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Series of marks between two axes."""

    width: float
    height: float
    left: float
    bottom: float
    """Where the axes cross."""
    top: float
    right: float
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    series: tuple[tuple[Mark, ...], ...]

    def path(self, marks: Sequence[Mark]) -> str:
        """The line through marks, as SVG's `d`."""
        steps = []
        for place, mark in enumerate(marks):
            steps.append(f"{'M' if place == 0 or mark.broken else 'L'}{mark.x:.1f} {mark.y:.1f}")
        return "".join(steps)


@dataclass(frozen=True, slots=True)
class Datum:
    """The data point that a mark shows, in the data's units."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    left: float | None = None
    right: float | None = None
    text: str = ""
    broken: bool = False
    faint: bool = False


WIDTH, HEIGHT = 640.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 12.0, 14.0, 44.0


def chart(
    series: Sequence[Sequence[Datum]],
    *,
    x_ticks: Sequence[tuple[float, str]] | None = None,
    zero: bool = False,
    logarithmic_x: bool = False,
    width: float = WIDTH,
    height: float = HEIGHT,
) -> Chart | None:
    """A chart of points with intervals; None if no value is finite.

    `zero`: both axes begin at 0. `x_ticks`: positions on the x axis and their labels, instead of round numbers.
    """
    data = [datum for line in series for datum in line if math.isfinite(datum.x) and math.isfinite(datum.y)]
    if not data:
        return None
    across = _finite([v for d in data for v in (d.x, d.left, d.right)] + [x for x, _ in x_ticks or ()])
    upwards = _finite([v for d in data for v in (d.y, d.low, d.high)])
    scale_x = _Scale(across, _LEFT, width - _RIGHT, zero and not logarithmic_x, logarithmic_x)
    scale_y = _Scale(upwards, height - _BOTTOM, _TOP, zero, False)
    return Chart(
        width=width,
        height=height,
        left=_LEFT,
        bottom=height - _BOTTOM,
        top=_TOP,
        right=width - _RIGHT,
        x=tuple(Tick(scale_x(at), text) for at, text in x_ticks) if x_ticks is not None else scale_x.ticks(6),
        y=scale_y.ticks(5),
        series=tuple(
            tuple(
                _mark(one, scale_x, scale_y) for one in line if math.isfinite(one.x) and math.isfinite(one.y)
            )
            for line in series
        ),
    )


def _mark(one: Datum, x: _Scale, y: _Scale) -> Mark:
    low, high = (_end(end, y) for end in (one.low, one.high))
    left, right = (_end(end, x) for end in (one.left, one.right))
    return Mark(x(one.x), y(one.y), low, high, left, right, one.text, one.broken, one.faint)


def _end(end: float | None, scale: _Scale) -> float | None:
    return None if end is None or not math.isfinite(end) else scale(end)


def _finite(numbers: Sequence[float | None]) -> list[float]:
    return [number for number in numbers if number is not None and math.isfinite(number)]


class _Scale:
    """Maps numbers to coordinates, with a margin at both ends, so that no mark lies on an axis."""

    def __init__(
        self, numbers: Sequence[float], first: float, last: float, zero: bool, logarithmic: bool
    ) -> None:
        self._log = logarithmic and min(numbers) > 0
        values = [self._of(number) for number in numbers]
        low, high = min(values), max(values)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        # If all numbers are equal, they lie in the middle.
        room = (high - low) * 0.06 or max(abs(high), 1.0) * 0.1
        self.low = low if zero and low == 0 else low - room
        self.high = high + room
        self._first, self._last = first, last

    def _of(self, number: float) -> float:
        return math.log10(number) if self._log else number

    def __call__(self, number: float) -> float:
        value = self._of(number) if not self._log or number > 0 else self.low
        share = (value - self.low) / (self.high - self.low)
        return round(self._first + (self._last - self._first) * min(max(share, 0.0), 1.0), 2)

    def ticks(self, most: int) -> tuple[Tick, ...]:
        """At most about `most` round numbers."""
        if self._log:
            low, high = 10**self.low, 10**self.high
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            values = [b * 10.0**p for p in powers for b in (1, 2, 5) if low <= b * 10.0**p <= high]
            while len(values) > most:
                values = values[::2]
            return tuple(Tick(self(value), _round(value)) for value in values)
        step = _step((self.high - self.low) / most)
        count = math.ceil(self.low / step - 1e-9)
        values = []
        while count * step <= self.high + 1e-9 * step:
            values.append(count * step)
            count += 1
        return tuple(Tick(self(value), _round(value, step)) for value in values)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= rough * (1 - 1e-9))


def _round(value: float, step: float | None = None) -> str:
    if value == 0 or (step is not None and abs(value) < step / 2):
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        places = 0 if step is None else max(0, -math.floor(math.log10(step) + 1e-9))
        text = f"{value:,.{places}f}" if step is not None else f"{value:,.6g}"
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−", 1)
