"""Differences of corpus scores: the jackknife of the difference, and what it says where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from lsm_eval.statistics.comparison.corpus import FEWEST, DifferingPairs, corpus_difference
from lsm_eval.statistics.comparison.difference import Difference, Noise, difference, p_value
from lsm_eval.statistics.comparison.pairs import pairs


def test_of_a_mean_it_is_the_paired_t() -> None:
    one, half = np.random.default_rng(1).normal(size=(2, 30))
    # Spread evenly to both sides of the middle, so that nothing is to be allowed for.
    one, two = np.concatenate([one, one]), np.concatenate([one + 0.2 + half, one + 0.2 - half])

    def compute(at: Sequence[int]) -> float:
        return float((two[list(at)] - one[list(at)]).mean())

    found = corpus_difference(compute, [None] * 60)
    theirs = stats.ttest_rel(two, one)
    ends = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert found.p == pytest.approx(theirs.pvalue, abs=1e-6)
    assert p_value(found, -0.5, "greater") == pytest.approx(
        stats.ttest_1samp(two - one, -0.5, alternative="greater").pvalue, abs=1e-6
    )
    assert (found.n, found.discordant, found.method) == (60, None, "jackknife(samples), paired")


@pytest.mark.parametrize("noise", [None, Noise(0.01, 3.0)])
def test_of_a_skewed_mean_it_is_the_comparison_of_means(noise: Noise | None) -> None:
    one, two = np.random.default_rng(4).exponential(size=(2, 40)) ** 2
    found = corpus_difference(
        lambda at: float((two[list(at)] - one[list(at)]).mean()), [None] * 40, noise=noise
    )
    other = difference(pairs(one, two), "mean", noise=noise)
    assert (found.low, found.high, found.p) == pytest.approx((other.low, other.high, other.p))


def test_noise_of_runs_widens() -> None:
    apart = np.random.default_rng(2).normal(size=300)

    def compute(at: Sequence[int]) -> float:
        return float(apart[list(at)].mean())

    plain, noisy = (
        corpus_difference(compute, [None] * 300, noise=noise) for noise in (None, Noise(0.01, 3.0))
    )
    assert plain.low is not None
    assert noisy.low is not None
    assert noisy.low < plain.low
    assert plain.method == "jackknife(20 groups), paired"


def test_no_interval_has_a_reason() -> None:
    found = corpus_difference(lambda at: 0.0, [None] * 30)
    assert (found.low, found.reason) == (None, "no spread between the samples")
    assert corpus_difference(lambda at: 1.0 * len(at), []).reason == "no samples"


def test_coverage_of_a_ratio() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(150):
        size = rng.gamma(2.0, 1.0, 60)
        one, two = size * rng.random(60), size * (rng.random(60) + 0.1)

        def compute(at: Sequence[int], one: object = one, two: object = two, size: object = size) -> float:
            parts = (x[list(at)].sum() for x in (one, two, size))  # type: ignore[index]
            first, second, whole = parts
            return float((second - first) / whole)

        found = corpus_difference(compute, [None] * 60)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.1 <= found.high
    assert held / 150 > 0.89


def ratio(
    apart: ArrayLike, lengths: ArrayLike, clusters: Sequence[str | None] | None = None, **more: float
) -> Difference:
    """Of a sum over a length, by words: each pair's part of the whole is its length."""
    apart, lengths = np.asarray(apart, float), np.asarray(lengths, float)
    differing = DifferingPairs((apart != 0).astype(float), lengths, more.get("span", 1.0))
    return corpus_difference(
        lambda at: float((apart * lengths)[list(at)].sum() / lengths[list(at)].sum()),
        clusters or [None] * len(apart),
        level=more.get("level", 0.95),
        differing=differing,
    )


def test_no_pair_that_differs_has_the_exact_bound() -> None:
    found = ratio(np.zeros(400), np.ones(400), level=0.9)
    assert found.low == pytest.approx(-(1 - 0.05 ** (1 / 400)), abs=1e-9)
    assert (found.value, found.p, found.reason) == (0.0, 1.0, None)
    uneven = ratio(np.zeros(400), np.random.default_rng(0).exponential(size=400), level=0.9)
    assert uneven.low is not None
    assert found.low is not None
    assert uneven.low < 1.5 * found.low


def test_few_pairs_that_differ_are_a_weighted_mean_of_bounded_values() -> None:
    """The same as what is known to hold for means, not the jackknife of three numbers."""
    rng = np.random.default_rng(7)
    apart, lengths = np.zeros(300), rng.gamma(2.0, 10.0, 300)
    apart[[3, 100, 250]] = -0.2, -0.4, 0.1
    found = ratio(apart, lengths)
    before = np.full(300, 0.5)
    other = difference(pairs(before, before + apart, weights=lengths), "bounded")
    assert found.method == "tango(effective, paired)" == other.method
    assert (found.low, found.high) == pytest.approx((other.low, other.high), rel=0.02)


def test_from_so_many_on_it_is_the_jackknife() -> None:
    for count, few in ((FEWEST - 1, True), (FEWEST, False)):
        apart = np.zeros(100)
        apart[:count] = np.linspace(-1, 1, count)
        assert ratio(apart, np.ones(100)).method.startswith("tango") == few
    # Few, but most of all: nothing is learnt from a range.
    assert ratio(np.linspace(-1, 1, 12), np.ones(12)).method == "jackknife(samples), paired"


def test_clusters_count_as_one_pair_each_where_few_differ() -> None:
    groups = [str(at // 10) for at in range(1000)]
    found = ratio(np.zeros(1000), np.ones(1000), groups, level=0.9)
    assert found.method == "tango(effective, paired, clusters)"
    assert found.low is not None
    assert found.low <= -(1 - 0.05 ** (1 / 100)) + 1e-9


@pytest.mark.parametrize("kind", ["loss", "rare"])
def test_a_loss_of_few_pairs_passes_in_one_of_twenty_at_most(kind: str) -> None:
    """With the jackknife alone 6 and 28 % of such models passed."""
    rng, passed, draws = np.random.default_rng(8), 0, 250
    for _ in range(draws):
        size = (
            np.where(rng.random(100) < 0.1, 1.0, 0.1 * rng.random(100))
            if kind == "rare"
            else rng.beta(1, 3, 100)
        )
        loss = 0.1 * (0.145 if kind == "rare" else 0.25)
        found = ratio(np.where(rng.random(100) < 0.1, -size, 0.0), rng.gamma(2.0, 10.0, 100) + 1)
        p = p_value(found, -loss, "greater")
        passed += p is not None and p <= 0.05
    assert passed / draws <= 0.05 + 3 * (0.05 * 0.95 / draws) ** 0.5
