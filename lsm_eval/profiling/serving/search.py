"""The highest arrival rate at which a server meets a service-level objective, found by bisection.

The rule: at a given rate the objective is *met* if the lower Clopper-Pearson bound of the share of requests that meet it is at
least the required share, and *missed* if the upper bound is below it. Bounds are one-sided, at 95 % for all looks at a rate
together: there are at most `LOOKS` looks, which divide the 5 % (Bonferroni), so that repeated looks do not help.
The first look has the fewest requests that could decide if all met the objective; each further look doubles them. If the last look does not
decide, there is not enough data at that rate, and the search ends.

The first rate is doubled until one is missed, or halved until one is met, and the bracket is then divided at its geometric middle
until its ends are within `WITHIN` of each other. The answer is the bracket: met at its lower end, missed at its upper.
A rate at which the client was the limit says nothing about the server, and ends the search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from lsm_eval.statistics.bounded import exact_interval

LEVEL = 0.95
LOOKS = 4
WITHIN = 0.1
"""Largest ratio of a bracket's upper end to its lower one, minus 1."""
_MOST_RATES = 30
_LOWEST = 1e-3  # of the first rate

Verdict = Literal["met", "missed", "undecided"]


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of some requests at one rate."""

    good: int
    """Number of requests that met the objective."""
    number: int
    client_bound: bool = False


Ask = Callable[[float, int], Probe]
"""Sends a number of requests at a rate (a second)."""


@dataclass(slots=True)
class RateBracket:
    """The rates between which the objective stops being met."""

    met: float | None = None
    """The highest rate at which it was shown to be met."""
    missed: float | None = None
    """The lowest at which it was shown to be missed."""
    why: str | None = None
    """Why the bracket is wide, or missing."""
    rates: list[tuple[float, Verdict, int, int]] = field(default_factory=list)
    """The rates tried, in order: rate, verdict, good requests, requests."""


def verdict(good: int, number: int, share: float, looks: int = LOOKS, level: float = LEVEL) -> Verdict:
    """The verdict on the required `share` from `good` of `number` requests, at one of `looks` looks."""
    if number < 1:
        return "undecided"
    low, high = exact_interval(good / number, number, 1 - 2 * (1 - level) / looks)  # each end one-sided
    if low >= share:
        return "met"
    return "missed" if high < share else "undecided"


def first_number(share: float, looks: int = LOOKS, level: float = LEVEL) -> int:
    """The least number of requests that can show that `share` is met, if all of them meet the objective."""
    number = max(math.ceil(math.log((1 - level) / looks) / math.log(share)), 1)
    while verdict(number, number, share, looks, level) != "met":  # by rounding
        number += 1
    return number


def find_rate(ask: Ask, share: float, start: float, *, within: float = WITHIN) -> RateBracket:
    """Search from the rate `start` (a second) on, for the rate at which the `share` of requests that meet the objective drops below it."""
    found = RateBracket()
    rate = start
    while len(found.rates) < _MOST_RATES:
        outcome, bound = _at(ask, rate, share, found)
        if bound:
            found.why = (
                f"at {rate:.4g} requests a second the client was the limit, not the server: ask from more machines, or a "
                "machine with less else to do"
            )
            return found
        if outcome == "undecided":
            good, number = found.rates[-1][2:]
            found.why = (
                f"not enough data at {rate:.4g} requests a second: {good} of {number} requests met the objective, too near to "
                f"{100 * share:g} % to tell"
            )
            return found
        if outcome == "met":
            found.met = rate if found.met is None else max(found.met, rate)
        else:
            found.missed = rate if found.missed is None else min(found.missed, rate)
        if found.met is not None and found.missed is not None:
            if found.met >= found.missed:
                found.why = "a higher rate met the objective and a lower one missed it: the server is not the same all the time"
                return found
            if found.missed / found.met - 1 <= within * (1 + 1e-9):
                return found
            rate = math.sqrt(found.met * found.missed)
        elif found.missed is None:
            rate *= 2
        else:
            rate /= 2
            if rate < start * _LOWEST:
                found.why = (
                    f"it is missed at {found.missed:.4g} requests a second, too: no load is low enough"
                )
                return found
    found.why = f"{_MOST_RATES} rates were tried"
    return found


def _at(ask: Ask, rate: float, share: float, found: RateBracket) -> tuple[Verdict, bool]:
    """The verdict at one rate, and whether the client was the limit there."""
    good = number = 0
    outcome: Verdict = "undecided"
    more = first_number(share)
    for _ in range(LOOKS):
        probe = ask(rate, more)
        if probe.client_bound:
            return "undecided", True
        good, number = good + probe.good, number + probe.number
        outcome = verdict(good, number, share)
        if outcome != "undecided":
            break
        more = number
    found.rates.append((rate, outcome, good, number))
    return outcome, False


def rule(share: float, within: float = WITHIN) -> str:
    """The rule in one sentence, for a record."""
    return (
        f"bisection to within {100 * within:.0f} %; a rate is met where the one-sided lower Clopper-Pearson bound of the share of "
        f"requests that keep to the objective is {100 * share:g} % or more, and missed where the upper one is below, at "
        f"{100 * LEVEL:.0f} % a rate over up to {LOOKS} looks of {first_number(share)} requests, doubled each time"
    )
