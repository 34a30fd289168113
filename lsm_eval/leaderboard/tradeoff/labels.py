"""Places names beside points without overlaps: the most important first, each at the first free position around its point."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIZE = 11.0
LONGEST = 28
_GAP = 8.0


@dataclass(frozen=True, slots=True)
class Label:
    """A name on the chart: its left end and its baseline."""

    text: str
    x: float
    y: float
    width: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.x, self.y - SIZE, self.x + self.width, self.y + 3


def width_of(text: str) -> float:
    """The approximate width of a text: most letters are half as wide as high, Chinese characters as wide as high."""
    return sum(SIZE if unicodedata.east_asian_width(one) in "WF" else 0.58 * SIZE for one in text)


def short(text: str) -> str:
    """At most `LONGEST` characters: the beginning, and the end, which often has the version."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 11]}…{text[-10:]}"


def placed(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    order: Sequence[int],
    frame: tuple[float, float, float, float],
) -> dict[int, Label]:
    """By position: labels for the names that fit into the frame (left, top, right, bottom) beside their points, placed in this order of
    importance. A name overlaps no point and no earlier name; a name without room is left out."""
    taken = np.full((len(points) + len(order), 4), np.nan)
    taken[: len(points)] = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    found: dict[int, Label] = {}
    for at in order:
        x, y = points[at]
        text = short(names[at])
        wide = width_of(text)
        for left, base in (
            (x + _GAP, y + 4), (x - _GAP - wide, y + 4), (x - wide / 2, y - _GAP), (x - wide / 2, y + _GAP + SIZE - 2),
            (x + _GAP, y - _GAP), (x + _GAP, y + _GAP + SIZE - 2), (x - _GAP - wide, y - _GAP),
            (x - _GAP - wide, y + _GAP + SIZE - 2),
        ):  # fmt: skip
            label = Label(text, round(left, 1), round(base, 1), round(wide, 1))
            box = label.box
            if _inside(box, frame) and not _meets(box, taken):
                taken[len(points) + len(found)] = box
                found[at] = label
                break
    return found


Box = tuple[float, float, float, float]


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _meets(box: Box, others: NDArray[np.float64]) -> bool:
    """Whether it overlaps any of the others [k, 4]; boxes that are not placed yet are NaN and overlap nothing."""
    left, top, right, bottom = others.T
    return bool(((box[0] < right) & (left < box[2]) & (box[1] < bottom) & (top < box[3])).any())
