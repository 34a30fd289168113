"""Rates corrected for their detector's errors."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.errors import UserError
from lsm_eval.statistics.corrected import (
    Proportion,
    Quality,
    corrected_estimate,
    corrected_interval,
    effective,
    lang_reiczigel,
    rogan_gladen,
)
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import wilson

GOOD = Quality(Proportion(900, 1000), Proportion(950, 1000))
PERFECT = Quality(Proportion(10**9, 10**9), Proportion(10**9, 10**9))


def binary(found: int, number: int) -> np.ndarray:
    return np.column_stack([np.arange(number) < found, np.ones(number)]).astype(float)


def width(result: Estimate) -> float:
    assert result.low is not None
    assert result.high is not None
    return result.high - result.low


def test_published_examples() -> None:
    """Brucellosis in a herd (23 of 150, Se .96, Sp .89: 5.1 %) and Helicobacter pylori in small children (6 of 151,
    Se .964, Sp .927: 0 %, Moujaber et al. 2008), as the manual of epiR's `epi.prev` has them; and Rogan & Gladen's
    formula solved for a rate made from a known one."""
    assert rogan_gladen(23 / 150, 0.96, 0.89) == pytest.approx(0.051, abs=5e-4)
    assert rogan_gladen(6 / 151, 0.964, 0.927) == 0
    assert rogan_gladen(0.3 * 0.8 + 0.7 * 0.1, 0.8, 0.9) == pytest.approx(0.3)


def test_a_perfect_detector_changes_nothing() -> None:
    assert rogan_gladen(0.37, 1, 1) == 0.37
    # With nothing left to know of the detector, Lang & Reiczigel's interval is Agresti & Coull's.
    z = 1.959964
    for found in (0, 3, 60, 200):
        share, trials = (found + z**2 / 2) / (200 + z**2), 200 + z**2
        half = z * (share * (1 - share) / trials) ** 0.5
        ends = lang_reiczigel(Proportion(found, 200), PERFECT)
        assert ends is not None
        assert ends == pytest.approx((share - half, share + half), abs=1e-5)


def test_an_uninformative_detector_gives_no_value() -> None:
    coin = Quality(Proportion(40, 100), Proportion(60, 100))
    assert rogan_gladen(0.4, 0.4, 0.6) is None
    assert corrected_interval(Proportion(40, 100), coin) is None
    result = corrected_estimate(binary(40, 100), [None] * 100, coin, missing=2)
    assert (result.value, result.low, result.high, result.missing) == (None, None, None, 2)
    assert "sum to no more than 1" in result.method


def test_the_interval_covers_what_it_says() -> None:
    """Lang & Reiczigel report coverage near 95 %; all three samples are drawn anew each time."""
    rng = np.random.default_rng(4)
    draws = 1500
    naive = 0
    for true, n, se, n_se, sp, n_sp in [
        (0.05, 200, 0.9, 100, 0.95, 200),
        (0.4, 300, 0.6, 60, 0.9, 60),
        (0.9, 100, 0.95, 300, 0.7, 80),
        (0.0, 200, 0.9, 100, 0.98, 200),
    ]:
        found = rng.binomial(n, true * se + (1 - true) * (1 - sp), draws)
        finds, leaves = rng.binomial(n_se, se, draws), rng.binomial(n_sp, sp, draws)
        inside = 0
        for x, a, b in zip(found, finds, leaves, strict=True):
            ends = corrected_interval(
                Proportion(x, n), Quality(Proportion(a, n_se), Proportion(b, n_sp)), 0.95
            )
            assert ends is not None
            inside += ends[0] <= true <= ends[1]
            low, high = wilson(x, n, 0.95)
            naive += low <= true <= high
        assert inside / draws > 0.935
    # The interval of the raw rate does not have the true one in it nearly as often.
    assert naive / (4 * draws) < 0.6


def test_zero_findings_are_not_shown_as_safe() -> None:
    result = corrected_estimate(binary(0, 100), [None] * 100, PERFECT, missing=0)
    assert (result.value, result.low) == (0.0, 0.0)
    assert result.high is not None
    assert result.high >= wilson(0, 100, 0.95)[1]


def test_a_card_that_cannot_be_right_here_is_said_so_and_still_gives_an_upper_bound() -> None:
    """One alarm in ten is false on the card, and there is none among 500: not the card's kind of text."""
    noisy = Quality(Proportion(900, 1000), Proportion(900, 1000))
    result = corrected_estimate(binary(0, 500), [None] * 500, noisy, missing=0)
    assert result.value == 0.0
    assert "card does not fit" in result.method
    assert result.high is not None
    assert result.high == pytest.approx(wilson(0, 500, 0.95)[1] / 0.9)
    assert "fit" not in corrected_estimate(binary(60, 500), [None] * 500, noisy, missing=0).method
    full = corrected_estimate(binary(500, 500), [None] * 500, noisy, missing=0)
    assert full.value == 1.0
    assert full.low is not None
    assert full.low < 0.995
    assert "card does not fit" in full.method


def test_a_worse_card_and_a_smaller_card_widen_the_interval() -> None:
    def spread(se: float, n_se: int) -> float:
        quality = Quality(Proportion(se * n_se, n_se), Proportion(475, 500))
        ends = corrected_interval(Proportion(60, 200), quality)
        assert ends is not None
        return ends[1] - ends[0]

    assert spread(0.9, 500) < spread(0.9, 50) < spread(0.6, 50)


def test_clusters_count_as_fewer_samples() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), 10)
    alike = np.repeat(rng.random(40) < 0.3, 10).astype(float)  # clusters of ten equal outcomes
    stats = np.column_stack([alike, np.ones(400)])
    clusters = [str(group) for group in groups]
    apparent = effective(stats, clusters)
    assert 30 < apparent.trials < 41  # forty clusters, less for t with 39 degrees of freedom
    assert apparent.share == pytest.approx(alike.mean())
    apart = corrected_estimate(stats, [None] * 400, GOOD, missing=0)
    together = corrected_estimate(stats, clusters, GOOD, missing=0)
    assert apart.value == together.value
    assert together.clusters == 40
    assert together.method == "rogan-gladen(clusters)"
    assert width(together) > 2.5 * width(apart)


def test_effective_number_at_the_edges() -> None:
    zeros = np.column_stack([np.zeros(30), np.ones(30)])
    few = effective(zeros, [str(i // 3) for i in range(30)])
    assert few.successes == 0
    assert few.trials == pytest.approx(7.5, abs=0.1), "ten clusters, and Student's t for so few"
    assert effective(zeros, [None] * 30) == Proportion(0, 30)
    # Clusters that are all alike give a standard error of 0, and still no more than n samples.
    even = np.column_stack([np.tile([0.0, 1.0], 15), np.ones(30)])
    assert 20 < effective(even, [str(i // 2) for i in range(30)]).trials <= 30


def test_without_samples_or_with_one_there_is_no_interval() -> None:
    nothing = corrected_estimate(np.empty((0,)), [], GOOD, missing=3)
    assert (nothing.value, nothing.n, nothing.missing, nothing.method) == (None, 0, 3, "none (no samples)")
    one = corrected_estimate(binary(1, 1), [None], GOOD, missing=0)
    assert (one.value, one.low, one.method) == (1.0, None, "none (one sample)")
    group = corrected_estimate(binary(2, 5), ["a"] * 5, GOOD, missing=0)
    assert (group.low, group.method) == (None, "none (one cluster)")


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="no proportion"):
        Proportion(3, 2)
    with pytest.raises(ValueError, match="no proportion"):
        Proportion(0, 0)
    with pytest.raises(UserError, match="clusters"):
        corrected_estimate(binary(1, 3), [None], GOOD, missing=0)
