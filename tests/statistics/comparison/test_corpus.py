"""Differences of corpus scores: the jackknife of the difference, and what it says where there is none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from lsm_eval.statistics.comparison.corpus import corpus_difference
from lsm_eval.statistics.comparison.difference import Noise, difference, p_value
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
