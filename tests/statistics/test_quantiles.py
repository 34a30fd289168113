"""Percentiles: the ranks of their intervals against the binomial, against scipy, and against simulated truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from scipy.stats import binom, quantile_test

from lsm_eval.statistics import methods
from lsm_eval.statistics.quantiles import METHODS, PERCENTILES, fewest, quantile, ranks

PAGE = Path(__file__).parents[2] / "docs" / "intervals.md"
SHARES = tuple(one / 100 for one in PERCENTILES)


@pytest.mark.parametrize(("share", "number"), [(0.5, 6), (0.9, 29), (0.95, 59), (0.99, 299), (0.01, 299)])
def test_the_sizes_that_a_percentile_needs(share: float, number: int) -> None:
    assert fewest(share) == number
    values = np.random.default_rng(0).lognormal(size=number)
    enough, short = quantile(values, share), quantile(values[:-1], share)
    assert enough.method == "order statistics"
    assert enough.low is not None
    assert short.method == f"none (only {number - 1} values, and p{100 * share:g} needs {number})"
    assert (short.low, short.high) == (None, None)
    assert short.value == np.quantile(values[:-1], share)  # told, and greyed


@pytest.mark.parametrize("share", SHARES)
def test_two_ends_are_those_of_scipy_wherever_scipy_has_both(share: float) -> None:
    compared = 0
    for number in (6, 7, 10, 29, 36, 37, 59, 72, 73, 100, 299, 367, 368, 1000, 4321):
        values = np.random.default_rng(number).gamma(2.0, size=number)
        theirs = _scipys(values, share, "two-sided")
        ours = quantile(values, share)
        if np.isfinite([theirs.low, theirs.high]).all():
            assert (ours.low, ours.high) == (theirs.low, theirs.high)
            compared += 1
        elif ours.high is not None:  # too few for scipy: the far end is its one-sided bound
            assert ours.high == _scipys(values, share, "less").high == values.max()
    assert compared >= 3


def _scipys(values: np.ndarray, share: float, alternative: Literal["two-sided", "less"]) -> Any:
    return quantile_test(values, q=1.0, p=share, alternative=alternative).confidence_interval(0.95)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.2, 0.5, 0.9, 0.95, 0.99, 0.999])
def test_both_ends_together_miss_no_more_than_they_may_and_hold_the_value(share: float) -> None:
    found = 0
    for number in [*range(1, 400), 700, 3000]:
        both = ranks(number, share)
        if both is None:
            continue
        found += 1
        low, high = both
        missed = binom.cdf(low - 1, number, share) + binom.sf(high - 1, number, share)
        assert missed <= 0.05 + 1e-12
        assert low <= 1 + (number - 1) * share <= high  # where the value stands, interpolated
    assert found or share in (0.001, 0.999)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("number", [60, 300, 1000])
def test_drawn_values_are_held_as_often_as_said(share: float, number: int) -> None:
    both = ranks(number, share)
    if both is None:
        assert number < fewest(share)
        return
    draws = np.sort(np.random.default_rng(1).lognormal(sigma=1.0, size=(4000, number)), axis=1)
    truth = np.exp(np.sqrt(1.0) * _normal(share))
    held = ((draws[:, both[0] - 1] <= truth) & (truth <= draws[:, both[1] - 1])).mean()
    assert held >= 0.945


def _normal(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def test_ties_only_make_it_safer() -> None:
    draws = np.sort(np.random.default_rng(2).poisson(3.0, size=(4000, 80)), axis=1)
    both = ranks(80, 0.5)
    assert both is not None
    assert ((draws[:, both[0] - 1] <= 3) & (draws[:, both[1] - 1] >= 3)).mean() >= 0.95


def test_values_of_one_answer_count_as_few() -> None:
    """Gaps between tokens: 100 answers of 40 gaps, each answer with a speed of its own."""
    rng = np.random.default_rng(3)
    speeds = np.repeat(rng.lognormal(sigma=0.5, size=100), 40)
    gaps = speeds * rng.lognormal(sigma=0.1, size=4000)
    names = [str(i // 40) for i in range(4000)]
    alone, clustered = quantile(gaps, 0.5), quantile(gaps, 0.5, names)
    assert clustered.method.startswith("order statistics (effective, ")
    assert clustered.clusters == 100
    assert None not in (alone.low, alone.high, clustered.low, clustered.high)
    assert (clustered.high - clustered.low) > 3 * (alone.high - alone.low)  # type: ignore[operator]
    assert quantile(gaps, 0.99, names).method.startswith("none (only ")  # not worth 299


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_clustered_quantiles_hold_the_truth(share: float) -> None:
    rng = np.random.default_rng(4)
    names = [str(i // 20) for i in range(60 * 20)]
    truth = float(np.exp(_normal(share) * np.sqrt(0.5**2 + 0.2**2)))
    held = 0
    for _ in range(200):
        speeds = np.repeat(rng.lognormal(sigma=0.5, size=60), 20)
        found = quantile(speeds * rng.lognormal(sigma=0.2, size=1200), share, names)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 184  # 95 % of 200 less two standard errors


def test_nothing_and_failures() -> None:
    assert quantile([], 0.5, missing=3).method == "none (no samples)"
    found = quantile([1.0] * 10, 0.5, missing=3)
    assert (found.value, found.low, found.high, found.n, found.missing) == (1.0, 1.0, 1.0, 10, 3)


def test_the_page_has_the_table_of_these_methods() -> None:
    page = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- percentiles: begin -->", "<!-- percentiles: end -->"
    assert page.partition(begin)[2].partition(end)[0].strip() == methods.table(METHODS)
    values = np.random.default_rng(0).random(400)
    for clusters in (None, [str(i // 4) for i in range(400)]):
        for share in SHARES:
            row = methods.method_of(quantile(values, share, clusters).method, [*METHODS, *methods.METHODS])
            assert row is not None
