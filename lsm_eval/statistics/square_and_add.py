"""The interval of a difference or sum from the intervals of its two addends: Newcombe's "square and add".

Sources: for differences of proportions Newcombe (Statistics in Medicine 17:873-890, 1998, method 10; with a correlation, for pairs,
17:2635-2650); for any two numbers with intervals Zou & Donner (Statistics in Medicine 27:1693-1702, 2008).
"""

from __future__ import annotations

import math


def joint(one: float, other: float, correlation: float) -> float:
    """The distance of one end of a sum of two numbers from its value, given those of the two; `correlation`, -1 to 1, is positive if both
    tend to err to that side together."""
    return math.sqrt(max(0.0, one**2 + other**2 + 2 * correlation * one * other))


def square_and_add(
    first: tuple[float, float, float], second: tuple[float, float, float], alike: float
) -> tuple[float, float]:
    """The ends of first - second, within -1 to 1, from (value, low, high) of both and their correlation."""
    value = first[0] - second[0]
    below = joint(first[0] - first[1], second[2] - second[0], -alike)
    above = joint(first[2] - first[0], second[0] - second[1], -alike)
    return max(-1.0, value - below), min(1.0, value + above)
