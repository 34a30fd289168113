"""The search for the highest rate: its rule on servers whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from lsm_eval.profiling.serving.search import LOOKS, Probe, find_rate, first_number, rule, verdict


class Simulated:
    """Of its requests a share meets the objective that falls with the rate."""

    def __init__(self, edge: float, sharp: float = 20.0, seed: int = 0, client_at: float = math.inf) -> None:
        self.edge, self.sharp, self.client_at = edge, sharp, client_at
        self.rng = np.random.default_rng(seed)
        self.asked: list[tuple[float, int]] = []

    def share(self, rate: float) -> float:
        """.95 at the edge."""
        return 1 / (1 + math.exp(self.sharp * (math.log(rate / self.edge)) - math.log(19)))

    def __call__(self, rate: float, number: int) -> Probe:
        self.asked.append((rate, number))
        return Probe(int(self.rng.binomial(number, self.share(rate))), number, rate >= self.client_at)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("number", [1, 59, 86, 300, 1000])
def test_verdicts_are_scipys_one_sided_bounds(share: float, number: int) -> None:
    for good in {0, number // 2, round(number * share), max(number - 1, 0), number}:
        level = 1 - 0.05 / LOOKS
        low = binomtest(good, number, alternative="greater").proportion_ci(level, "exact").low
        high = binomtest(good, number, alternative="less").proportion_ci(level, "exact").high
        wanted = "met" if low >= share else "missed" if high < share else "undecided"
        assert verdict(good, number, share) == wanted


def test_the_first_look_is_as_small_as_can_decide() -> None:
    assert first_number(0.95) == 86
    assert first_number(0.99) == 437
    assert first_number(0.95, looks=1) == 59  # as a p95 needs
    assert first_number(0.99, looks=1) == 299
    for share in (0.5, 0.9, 0.95, 0.99):
        number = first_number(share)
        assert verdict(number, number, share) == "met"
        assert verdict(number - 1, number - 1, share) != "met"


@pytest.mark.parametrize("share", [0.9, 0.95])
def test_at_the_edge_it_is_wrong_as_rarely_as_it_says(share: float) -> None:
    """A server that meets it exactly `share` of the time is said to miss it (which it does not) 5 % of the time at most."""
    rng = np.random.default_rng(0)
    first = first_number(share)
    missed = 0
    for _ in range(2000):
        good = number = 0
        more = first
        for _ in range(LOOKS):
            good, number = good + int(rng.binomial(more, share)), number + more
            found = verdict(good, number, share)
            if found != "undecided":
                missed += found == "missed"
                break
            more = number
    assert missed / 2000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 2000)
    assert binom.sf(first - 1, first, share) <= 0.05 / LOOKS


@pytest.mark.parametrize("start", [0.5, 3.0, 50.0, 2000.0])
def test_the_bracket_holds_the_edge(start: float) -> None:
    held = 0
    for seed in range(40):
        server = Simulated(37.0, sharp=60, seed=seed)
        found = find_rate(server, 0.95, start)
        assert found.met is None or found.missed is None or found.met < found.missed
        if found.why is None:
            assert found.missed is not None
            assert found.met is not None
            assert found.missed / found.met <= 1.1 + 1e-9
        held += (found.met or 0) <= 37.0 <= (found.missed or math.inf)
    assert held >= 36


def test_a_gentle_edge_is_not_decided_by_force() -> None:
    server = Simulated(10.0, sharp=2.0, seed=1)
    found = find_rate(server, 0.95, 9.9)
    assert found.why is not None
    assert "not enough data" in found.why


def test_a_server_that_never_does_and_one_that_always_does() -> None:
    never = find_rate(lambda rate, number: Probe(0, number), 0.95, 8.0)
    assert never.met is None
    assert never.missed == pytest.approx(8.0 / 2**9)
    assert "no load is low enough" in (never.why or "")
    always = find_rate(lambda rate, number: Probe(number, number), 0.95, 8.0)
    assert always.missed is None
    assert "rates were tried" in (always.why or "")


def test_a_client_that_is_the_limit_ends_it() -> None:
    found = find_rate(Simulated(1000.0, sharp=60, client_at=60.0), 0.95, 10.0)
    assert (found.met, found.missed) == (40.0, None)
    assert "the client was the limit" in (found.why or "")


def test_the_rule_is_told() -> None:
    assert rule(0.95) == (
        "bisection to within 10 %; a rate is met where the one-sided lower Clopper-Pearson bound of the share of requests that keep "
        "to the objective is 95 % or more, and missed where the upper one is below, at 95 % a rate over up to 4 looks of 86 requests, "
        "doubled each time"
    )
