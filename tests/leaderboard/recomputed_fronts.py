"""Who is on the front of quality against cost, made anew from what is shown of both. Shares no code with the package.

A model is surely off where one that is shown to be better is no dearer, surely on where every other is shown to be worse or dearer. Where costs have
intervals each of the two gets half of the error, and costs differ where intervals that hold for all models at once (Bonferroni) have no point
in common.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recomputed_intervals import Ends
from recomputed_ranks import Told
from scipy import stats


@dataclass(frozen=True)
class Cost:
    """One model's, the less the better unless it is turned."""

    value: float
    ends: Ends | None
    n: int | None
    """Measurements behind it."""


def widened(one: Cost, models: int) -> Ends:
    """The interval that holds for all models at once with half of the error: on the logarithm, where its lower end is above 0."""
    if one.ends is None:
        return -math.inf, math.inf
    tails = (0.05 / 4 / models, 0.025)
    few = one.n is not None and 2 <= one.n <= 200
    far, usual = (
        float(stats.t.isf(tail, (one.n or 0) - 1) if few else stats.norm.isf(tail)) for tail in tails
    )
    times = far / usual
    low, high = one.ends
    if low > 0:
        return one.value * (low / one.value) ** times, one.value * (high / one.value) ** times
    return one.value - times * (one.value - low), one.value + times * (high - one.value)


def statuses(told: Told, costs: Sequence[Cost], *, more_is_cheaper: bool) -> list[str]:
    """`told`: places of pairs, the better one first, of which the first is shown to be better (at half the error where costs have intervals)."""
    every = range(len(costs))
    if any(one.ends is not None for one in costs):
        ends = [widened(one, len(costs)) for one in costs]
        cheaper = {
            (a, b)
            for a in every
            for b in every
            if (ends[a][0] > ends[b][1] if more_is_cheaper else ends[a][1] < ends[b][0])
        }
        no_dearer = cheaper
    else:
        price = [-one.value if more_is_cheaper else one.value for one in costs]
        cheaper = {(a, b) for a in every for b in every if price[a] < price[b]}
        no_dearer = {(a, b) for a in every for b in every if price[a] <= price[b]}
    found = []
    for own in every:
        if any((other, own) in told and (other, own) in no_dearer for other in every):
            found.append("off")
        elif all(other == own or (own, other) in told or (own, other) in cheaper for other in every):
            found.append("on")
        else:
            found.append("may")
    return found


def observed(
    scores: Sequence[float], costs: Sequence[Cost], *, higher: bool, more_is_cheaper: bool
) -> list[bool]:
    """Whether no other has as much for as little, and more of one, by the values alone."""
    points = [
        (one if higher else -one, cost.value if more_is_cheaper else -cost.value)
        for one, cost in zip(scores, costs, strict=True)
    ]
    return [
        not any(score >= own[0] and cheap >= own[1] and (score, cheap) != own for score, cheap in points)
        for own in points
    ]
