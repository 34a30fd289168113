"""The highest rate of arrivals that a server bears under a service objective, found by bisection.

The rule. At one rate the objective is *met* where the lower Clopper-Pearson bound of the share of requests that keep to it is at
least the share that has to, and *missed* where the upper bound is below it, each one-sided, at 95 % for all looks at a rate
together: there are `LOOKS` looks at most, each with a share of the 5 % (Bonferroni), so that looking again is no way to be lucky.
The first look has as few requests as could decide if all kept to it; each further one doubles them. Where the last look decides nothing,
there is not enough data at that rate, and the search ends there.

The first rate is doubled until one is missed, or halved until one is met, and the bracket is then divided at its geometric middle
until its ends are within `WITHIN` of one another. The answer is the bracket: met at its lower end, missed at its upper.
A rate at which the client itself was the limit says nothing of the server, and ends the search.
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
"""The upper end of a bracket over its lower one, less 1."""
_MOST_RATES = 30
_LOWEST = 1e-3  # of the first rate

Verdict = Literal["met", "missed", "undecided"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of some requests at one rate."""

    good: int
    """Of them, those that kept to the objective."""
    number: int
    client_bound: bool = False


Ask = Callable[[float, int], Probe]
"""Sends so many more requests at a rate (a second)."""


@dataclass(slots=True)
class Found:
    """Where the objective is met, and where not."""

    met: float | None = None
    """The highest rate at which it was shown to be met."""
    missed: float | None = None
    """The lowest at which it was shown to be missed."""
    why: str | None = None
    """Why the bracket is not narrow, or not there."""
    rates: list[tuple[float, Verdict, int, int]] = field(default_factory=list)
    """What was tried, in order: rate, verdict, good requests, requests."""


def verdict(good: int, number: int, share: float, looks: int = LOOKS, level: float = LEVEL) -> Verdict:
    """What `good` of `number` requests say at one look of `looks` about a share of the requests that has to meet the objective."""
    if number < 1:
        return "undecided"
    low, high = exact_interval(good / number, number, 1 - 2 * (1 - level) / looks)  # each end one-sided
    if low >= share:
        return "met"
    return "missed" if high < share else "undecided"


def first_number(share: float, looks: int = LOOKS, level: float = LEVEL) -> int:
    """How many requests can show that `share` is met, if all of them meet it."""
    number = max(math.ceil(math.log((1 - level) / looks) / math.log(share)), 1)
    while verdict(number, number, share, looks, level) != "met":  # by rounding
        number += 1
    return number


def find_rate(ask: Ask, share: float, start: float, *, within: float = WITHIN) -> Found:
    """Search from the rate `start` (a second) on. `share` of the requests have to meet the objective."""
    found = Found()
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


def _at(ask: Ask, rate: float, share: float, found: Found) -> tuple[Verdict, bool]:
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
