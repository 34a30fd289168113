"""Names beside points, none over another: the more important first, at the first place around its point that is free."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

SIZE = 11.0
LONGEST = 28
_GAP = 8.0


@dataclass(frozen=True, slots=True)
class Label:
    """A name on the drawing: its left end and its base line."""

    text: str
    x: float
    y: float
    width: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.x, self.y - SIZE, self.x + self.width, self.y + 3


def width_of(text: str) -> float:
    """About how wide a text is: most letters are half as wide as high, Chinese ones as wide."""
    return sum(SIZE if unicodedata.east_asian_width(one) in "WF" else 0.58 * SIZE for one in text)


def short(text: str) -> str:
    """At most `LONGEST` letters: the beginning and the end, where versions stand."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 11]}…{text[-10:]}"


def placed(
    names: Sequence[str],
    points: Sequence[tuple[float, float]],
    order: Sequence[int],
    frame: tuple[float, float, float, float],
) -> dict[int, Label]:
    """By place: the names that fit into the frame (left, top, right, bottom) beside their points, in this order of importance. A name
    keeps clear of all points and of the names before it; one that has no room is left out."""
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
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
            if _inside(label.box, frame) and not any(_meet(label.box, other) for other in taken):
                found[at] = label
                taken.append(label.box)
                break
    return found


Box = tuple[float, float, float, float]


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
