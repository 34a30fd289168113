"""Paired differences: interval and tests agree, hold what they say, and refuse what nothing holds."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from lsm_eval.errors import UserError
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.comparison.difference import (
    Difference,
    Noise,
    Scale,
    bound,
    difference,
    equivalence,
    p_value,
)
from lsm_eval.statistics.comparison.paired_shares import Counts, tango_interval
from lsm_eval.statistics.comparison.pairs import pairs
from lsm_eval.statistics.comparison.score import Score


def runs(both: int, gained: int, lost: int, neither: int) -> tuple[FloatArray, FloatArray]:
    cells = [both, gained, lost, neither]
    return np.repeat([1.0, 0.0, 1.0, 0.0], cells), np.repeat([1.0, 1.0, 0.0, 0.0], cells)


def of(both: int, gained: int, lost: int, neither: int, level: float = 0.95) -> Difference:
    return difference(pairs(*runs(both, gained, lost, neither)), level=level)


def test_many_pairs_that_differ_have_tangos_interval() -> None:
    found = of(700, 30, 55, 534)
    assert (found.low, found.high) == pytest.approx(tango_interval(Counts(700, 30, 55, 534)), abs=1e-9)
    assert found.value == pytest.approx(-25 / 1319)
    assert found.p == pytest.approx(0.006673923142224859, abs=1e-4)
    assert (found.n, found.discordant, found.gains, found.method) == (1319, 85, 30, "tango(paired)")


def test_no_pair_that_differs_is_judged_by_the_exact_bound() -> None:
    for n, margin in ((198, 0.015), (199, 0.015), (50, 0.03)):
        found = of(n - 20, 0, 0, 20)
        assert p_value(found, -margin, "greater") == pytest.approx((1 - margin) ** n)
        assert found.p == 1.0
        assert found.low is not None
        assert found.low < -0.01
    least = bound(of(100, 0, 0, 99), 0.05, "greater")
    assert least == pytest.approx(-(1 - 0.05 ** (1 / 199)), abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    st.tuples(*[st.integers(0, 40)] * 4).filter(lambda cells: sum(cells) >= 2),
    st.sampled_from([0.001, 0.02, 0.05, 0.2]),
    st.floats(-0.9, 0.9),
)
def test_a_test_rejects_exactly_the_margins_beyond_the_end(
    cells: tuple[int, int, int, int], alpha: float, margin: float
) -> None:
    found = of(*cells, level=1 - 2 * alpha)
    assert found.low is not None
    assert found.high is not None
    assert found.p is not None
    for at in (margin, 0.0):
        up, down = p_value(found, at, "greater"), p_value(found, at, "less")
        assert up is not None
        assert down is not None
        if abs(at - found.low) > 1e-9:
            assert (up <= alpha) == (at < found.low)
        if abs(at - found.high) > 1e-9:
            assert (down <= alpha) == (at > found.high)
    if min(abs(found.low), abs(found.high)) > 1e-9:
        assert (found.p <= 2 * alpha) == (not found.low <= 0 <= found.high)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["binary", "bounded", "mean"]), st.integers(1, 6))
def test_exchanged_runs_have_the_mirrored_interval(seed: int, scale: Scale, size: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = np.arange(60) // size
    one, two = rng.random((2, 60)) if scale != "binary" else rng.integers(0, 2, (2, 60)).astype(float)
    there, back = (difference(pairs(*x, clusters), scale) for x in ((one, two), (two, one)))
    assert there.low is not None
    assert back.high is not None
    assert there.low == pytest.approx(-back.high)
    assert there.p == pytest.approx(back.p)


def even(seed: int, number: int) -> FloatArray:
    """Differences without skewness."""
    half = np.random.default_rng(seed).normal(size=number)
    return np.concatenate([0.2 + half, 0.2 - half])


def test_means_are_scipys_paired_t() -> None:
    two = even(1, 12)
    theirs = stats.ttest_rel(two, np.zeros(24))
    found = difference(pairs(np.zeros(24), two), "mean")
    ends = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.method == "t(paired)"


def test_two_one_sided_tests_are_those_of_statsmodels() -> None:
    two = even(2, 20)
    theirs = pytest.importorskip("statsmodels.stats.weightstats").ttost_paired(two, np.zeros(40), -0.8, 0.8)
    assert equivalence(difference(pairs(np.zeros(40), two), "mean"), 0.8) == pytest.approx(float(theirs[0]))


def test_skewed_differences_have_a_longer_end_on_their_long_side() -> None:
    two = np.random.default_rng(3).exponential(size=40)
    found = difference(pairs(np.zeros(40), two), "mean")
    ends = stats.ttest_1samp(two, 0).confidence_interval(0.95)
    assert found.low == pytest.approx(ends.low)
    assert found.high is not None
    assert found.high > ends.high + 0.02
    for margin in (0.3, 0.8, 1.2, 1.6):
        less = p_value(found, margin, "less")
        assert less is not None
        assert (less <= 0.025) == (margin > found.high)


@pytest.mark.parametrize("kind", ["normal", "exponential", "few differ"])
def test_means_are_covered(kind: str) -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        one = rng.normal(size=30)
        apart = rng.normal(size=30) if kind == "normal" else rng.exponential(size=30)
        if kind == "few differ":
            apart = np.where(rng.random(30) < 0.1, apart, 0.0)
        found = difference(pairs(one, one + apart), "mean")
        truth = {"normal": 0.0, "exponential": 1.0, "few differ": 0.1}[kind]
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held / 300 > 0.92


def test_bounded_values_that_are_0_or_1_are_judged_like_them() -> None:
    one, two = runs(60, 20, 14, 106)
    exact, found = (difference(pairs(one, two), scale) for scale in ("binary", "bounded"))
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=3e-3)
    points = difference(pairs(100 * one, 100 * two), "bounded", top=100)
    assert (points.low, points.high) == pytest.approx((100 * found.low, 100 * found.high))  # type: ignore[operator]
    assert points.method == "tango(effective, paired)"


def test_missing_values_leave_the_pair_and_are_counted() -> None:
    one, two = runs(30, 10, 10, 30)
    one[:3], two[2:5] = np.nan, np.nan
    found = difference(pairs(one, two))
    assert (found.n, found.missing) == (75, 5)


def test_weights_of_1_change_nothing_and_of_0_leave_the_pair() -> None:
    one, two = runs(30, 10, 14, 30)
    assert difference(pairs(one, two, weights=np.full(84, 2.0))) == difference(pairs(one, two))
    kept = np.arange(84) % 2 == 0
    weighed = difference(pairs(one, two, weights=kept.astype(float)))
    assert weighed == difference(pairs(one[kept], two[kept]))


@pytest.mark.parametrize(
    ("one", "two", "clusters", "scale", "reason"),
    [
        ([], [], None, "binary", "no pairs"),
        ([np.nan], [1], None, "binary", "no pairs"),
        ([1], [0], None, "binary", "one pair"),
        ([1, 0, 1], [0, 0, 1], ["a"] * 3, "binary", "one cluster"),
        ([1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 2, 2], "binary", "only 2 clusters"),
        (
            [1] * 20,
            [0] * 20,
            [0] * 14 + [1, 2, 3, 4, 5, 6],
            "binary",
            "one cluster holds 70 % of the samples",
        ),
        ([1.0, 2.0], [2.0, 4.0], None, "mean", "only 2 pairs"),
        ([1.0] * 12, [2.0] * 12, None, "mean", "no spread between the pairs' differences"),
        ([3.0] * 12, [3.0] * 12, None, "mean", "all values are the same"),
        ([1.0] * 16, [2.0] * 16, list(range(8)) * 2, "mean", "only 8 clusters"),
    ],
)
def test_no_interval_has_a_reason(
    one: list[float], two: list[float], clusters: list[str | int | None] | None, scale: Scale, reason: str
) -> None:
    found = difference(pairs(one, two, clusters), scale)
    assert (found.low, found.p, found.reason) == (None, None, reason)
    assert found.method == f"none ({reason})"
    assert p_value(found, -0.01, "greater") is None


def test_two_identical_runs_of_means_say_what_so_many_equal_pairs_can() -> None:
    values = np.random.default_rng(0).normal(size=400)
    found = difference(pairs(values, values), "mean")
    assert found.value == 0.0
    assert found.p == 1.0
    span = np.ptp(values)
    at_2_percent = p_value(found, -0.02 * span, "greater")
    assert at_2_percent is not None
    assert 0.98**400 <= at_2_percent < 0.005


@pytest.mark.parametrize(("values", "scale"), [([0.5, 1.0], "binary"), ([0.5, 1.2], "bounded")])
def test_values_of_another_scale_are_refused(values: list[float], scale: Scale) -> None:
    with pytest.raises(UserError, match="compare these samples as"):
        difference(pairs(values, values), scale)


def test_lengths_that_differ_and_infinite_values_are_refused() -> None:
    for one, two in (([1.0], [1.0, 0.0]), ([np.inf], [1.0])):
        with pytest.raises(UserError):
            pairs(one, two)
    with pytest.raises(UserError, match="clusters"):
        pairs([1.0, 0.0], [1.0, 0.0], ["a"])
    with pytest.raises(UserError, match="weight"):
        pairs([1.0, 0.0], [1.0, 0.0], weights=[1.0, -1.0])


def test_noise_of_whole_runs_widens_and_never_narrows() -> None:
    one, two = runs(400, 30, 40, 530)
    plain = difference(pairs(one, two))
    noisy = difference(pairs(one, two), noise=Noise(plain.stderr**2, 4.0))  # type: ignore[operator]
    assert noisy.method == "tango(paired, noise)"
    assert noisy.high - noisy.low > 1.41 * (plain.high - plain.low)  # type: ignore[operator]
    assert difference(pairs(one, two), noise=Noise(0.0, 4.0)) == plain
    same = difference(pairs(one, one), noise=Noise(1e-4, 4.0))
    assert p_value(same, -0.02, "greater") > p_value(difference(pairs(one, one)), -0.02, "greater")  # type: ignore[operator]


def probability(n: int, differ: float, apart: float) -> dict[tuple[int, int], float]:
    """Of each number of gains and losses that is not too unlikely."""
    up, down = (differ + apart) / 2, (differ - apart) / 2
    gains, losses = (
        np.arange(stats.binom.ppf(1e-6, n, x), stats.binom.ppf(1 - 1e-6, n, x) + 1) for x in (up, down)
    )
    g, b = (x.ravel() for x in np.meshgrid(gains, losses))
    held = g + b <= n
    g, b = g[held], b[held]
    rest = n - g - b
    logs = special.gammaln(n + 1) - sum(special.gammaln(x + 1) for x in (g, b, rest))
    logs = logs + special.xlogy(g, up) + special.xlogy(b, down) + special.xlogy(rest, 1 - differ)
    return {(int(x), int(y)): float(p) for x, y, p in zip(g, b, np.exp(logs), strict=True)}


@cache
def one_sided(n: int, gains: int, losses: int, margin: float) -> tuple[float, float]:
    found = Score(n, gains / n, losses / n)
    return found.p(margin, "less"), found.p(margin, "greater")


@pytest.mark.parametrize(
    ("n", "differ", "apart"),
    [
        (30, 0.3, 0.0), (30, 0.2, -0.15), (100, 0.1, 0.0), (100, 0.05, -0.05), (200, 0.05, -0.03),
        (200, 0.03, -0.03), (500, 0.02, -0.015), (1319, 0.02, -0.015),
    ],
)  # fmt: skip
def test_error_rates_by_the_exact_distribution(n: int, differ: float, apart: float) -> None:
    """The sum over all that can be seen, not a simulation."""
    low = high = wrong = 0.0
    for (gains, losses), chance in probability(n, differ, apart).items():
        less, greater = one_sided(n, gains, losses, apart)
        low, high = low + chance * (less <= 0.025), high + chance * (greater <= 0.025)
        wrong += chance * (greater <= 0.05)
    assert 1 - low - high >= 0.935, "the interval covers"
    assert wrong <= 0.0515, "a loss as large as the margin passes in 5 % at most"


@pytest.mark.parametrize(
    ("differ", "apart", "correlation", "sizes"),
    [
        (0.1, 0.0, 0.1, [10] * 40),
        (0.3, -0.1, 0.4, [10] * 20),
        (0.1, -0.09, 0.4, [1, 1, 2, 3, 5, 8, 13, 21, 34, 50] * 5),
        (0.05, 0.0, 0.0, [40, *([3] * 20)]),
    ],
)
def test_clustered_pairs_are_covered(
    differ: float, apart: float, correlation: float, sizes: list[int]
) -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    shares = np.array([(differ + apart) / 2, (differ - apart) / 2, 1 - differ])
    held = wrong = 0
    draws = 200
    for _ in range(draws):
        own = np.tile(shares, (len(sizes), 1))
        if correlation:
            own = rng.dirichlet(shares * (1 - correlation) / correlation, len(sizes))
        place = rng.random(len(groups))[:, None] > own.cumsum(axis=1)[groups]
        cell = place.sum(axis=1)
        found = difference(pairs((cell == 1).astype(float), (cell == 0).astype(float), groups))
        up, down = p_value(found, apart, "greater"), p_value(found, apart, "less")
        assert up is not None
        assert down is not None
        held += min(up, down) > 0.025
        wrong += up <= 0.05
    assert held / draws > 0.91
    assert wrong / draws < 0.09


def test_one_more_pair_that_differs_is_no_cliff() -> None:
    ends = [of(500, 0, lost, 500 - lost).low or 0.0 for lost in range(6)]
    assert ends == sorted(ends, reverse=True)
    assert max(abs(np.diff(ends))) < 0.0035


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_clusters_that_are_all_alike_count_as_one_trial_each(value: float) -> None:
    """Nothing tells how samples of one cluster hang together."""
    found = difference(pairs(np.zeros(500), np.full(500, value), np.arange(500) % 5))
    assert isinstance(found.statistic, Score)
    assert found.statistic.trials == pytest.approx(5)
    assert found.p is not None
    assert found.p > 2 * 0.5**5


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 2000), st.floats(0, 1), st.floats(0, 1), st.floats(2, 50))
def test_ends_and_p_are_always_in_range(n: int, gained: float, lost: float, freedom: float) -> None:
    whole = max(1.0, gained + lost)
    found = Score(n, gained / whole, lost / whole, freedom)
    before = (found.value, found.value)
    for level in (0.5, 0.9, 0.95, 0.998):
        ends = found.end(level, "greater"), found.end(level, "less")
        assert -1 <= ends[0] <= before[0] + 1e-9
        assert before[1] - 1e-9 <= ends[1] <= 1
        before = ends
    for margin in (-1.0, -0.4, -0.01, 0.0, 0.01, 0.4, 1.0):
        assert 0 <= found.p(margin, "greater") <= 1
        assert found.p(margin, "greater") + found.p(margin, "less") >= 1 - 1e-9
