"""The interval of an AUROC: against the definitions of its variance, against simulation, and one sample at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsm_eval.statistics.auroc import auroc
from lsm_eval.statistics.auroc_gain import auroc_gain
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate


def made(scores: FloatArray, positive: FloatArray, clusters: Sequence[str | None] | None = None) -> Estimate:
    return auroc_estimate(scores, positive, clusters or [None] * len(scores), missing=0)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


def classes(positives: int, negatives: int) -> FloatArray:
    return np.repeat([1.0, 0.0], [positives, negatives])


def placements(scores: FloatArray, positive: FloatArray) -> tuple[FloatArray, FloatArray]:
    """DeLong's components, pair by pair."""
    pairs: FloatArray = np.sign(scores[positive == 1][:, None] - scores[positive == 0][None, :]) / 2 + 0.5
    return np.asarray(pairs.mean(axis=1)), np.asarray(pairs.mean(axis=0))


@pytest.mark.parametrize("seed", range(4))
def test_standard_error_is_delongs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = classes(23, 41)
    scores = np.round(rng.normal(positive, 1), 1)
    of_positives, of_negatives = placements(scores, positive)
    variance = of_positives.var(ddof=1) / 23 + of_negatives.var(ddof=1) / 41
    found = made(scores, positive)
    assert found.value == auroc(scores, positive == 1)
    assert found.stderr == pytest.approx(math.sqrt(variance))


def test_standard_error_of_equal_clusters_is_obuchowskis() -> None:
    """Thirty clusters of two positives and three negatives: her sums, with G / (G - 1) for each."""
    rng = np.random.default_rng(4)
    positive = np.tile([1.0, 1, 0, 0, 0], 30)
    scores = rng.normal(positive, 1) + np.repeat(rng.normal(0, 1, 30), 5)
    groups = np.repeat(np.arange(30), 5)
    of_positives, of_negatives = placements(scores, positive)
    value = of_positives.mean()
    first = np.bincount(groups[positive == 1], of_positives - value)
    second = np.bincount(groups[positive == 0], of_negatives - value)
    by_hand = 30 / 29 * ((first / 60 + second / 90) ** 2).sum()
    found = made(scores, positive, [str(group) for group in groups])
    assert found.method == "obuchowski(score)"
    # Never below what the classes have alone; here clusters matter, so that it is the same.
    assert found.stderr == pytest.approx(math.sqrt(by_hand), rel=0.1)
    assert found.clusters == 30


def test_all_pairs_in_order_is_no_certainty() -> None:
    for positives, negatives in ((2, 2), (5, 5), (10, 500), (100, 100)):
        positive = classes(positives, negatives)
        low, high = ends(made(positive, positive))
        assert high == 1
        assert low < 1 - 0.5 / min(positives, negatives)
        assert ends(made(-positive, positive)) == pytest.approx((0, 1 - low))
    assert made(classes(1, 9), classes(1, 9)).method == "none (one positive sample)"
    assert made(np.ones(4), np.ones(4)).value is None


def test_one_tied_pair_does_not_move_the_ends() -> None:
    """Of 100 and 100 in wrong order, one pair tied: [.0009, .0278] and [0, .0148] by a bootstrap and Wilson's."""
    positive = classes(100, 100)
    scores = np.arange(200.0)
    tied = scores.copy()
    tied[99] = tied[100]
    before, after = ends(made(scores, positive)), ends(made(tied, positive))
    assert before[0] == 0
    assert 0 <= after[0] < 1e-4
    assert 0.01 < before[1] < 0.04
    assert after[1] == pytest.approx(before[1], abs=1e-3)


def test_the_interval_turns_over_with_the_classes() -> None:
    rng = np.random.default_rng(6)
    positive = classes(15, 30)
    scores = rng.normal(2 * positive, 1)
    low, high = ends(made(scores, positive))
    assert ends(made(scores, 1 - positive)) == pytest.approx((1 - high, 1 - low))
    assert ends(made(-scores, positive)) == pytest.approx((1 - high, 1 - low))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=20, max_size=60),
    st.integers(2, 18),
    st.integers(0, 19),
    st.integers(0, 9),
)
def test_one_sample_moves_the_ends_by_little(
    values: list[int], positives: int, which: int, other: int
) -> None:
    scores = np.array(values, float)
    positive = classes(positives, len(values) - positives)
    moved = scores.copy()
    moved[which] = other
    one, two = made(scores, positive), made(moved, positive)
    smaller = min(positives, len(values) - positives)
    for a, b in zip(ends(one), ends(two), strict=True):
        assert 0 <= a <= 1
        assert abs(a - b) < 2.5 / smaller
    assert one.value is not None
    assert ends(one)[0] <= one.value <= ends(one)[1]
    assert ends(one)[1] - ends(one)[0] > 0.5 / len(values)


def test_a_share_of_both_classes_counts_as_so_much_of_each() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    whole = made(scores, np.array([0.0, 1, 0, 1, 0, 1]))
    half = made(scores, np.array([0.0, 1, 0, 1, 0.5, 1]))
    assert whole.value == pytest.approx(6 / 9)
    assert half.value is not None
    assert half.low is not None
    by_hand = (0.5 * 0 + 1 * 1 + 1 * 2 + 1 * 2.5 + 0.5 * 2 + 0.5 * 0.25) / (3.5 * 2.5)
    assert half.value == pytest.approx(by_hand)


def test_few_or_one_large_cluster_have_no_interval() -> None:
    positive = np.tile([1.0, 0], 20)
    scores = np.random.default_rng(1).normal(positive, 1)
    found = made(scores, positive, [str(i // 10) for i in range(40)])
    assert (found.low, found.method) == (None, "none (positive: only 4 clusters)")
    assert found.value is not None
    found = made(scores, positive, ["a"] * 26 + [str(i) for i in range(14)])
    assert found.method == "none (positive: one cluster holds 65 % of the samples)"


@pytest.mark.parametrize(
    ("positives", "negatives", "area", "least"),
    [(10, 10, 0.95, 0.935), (100, 10, 0.9, 0.935), (50, 50, 0.7, 0.93), (100, 100, 0.99, 0.935)],
)
def test_coverage(positives: int, negatives: int, area: float, least: float) -> None:
    rng = np.random.default_rng(11)
    positive = classes(positives, negatives)
    apart = math.sqrt(2) * NormalDist().inv_cdf(area)
    draws = 500
    held = 0
    for _ in range(draws):
        low, high = ends(made(rng.normal(apart * positive, 1), positive))
        held += low <= area <= high
    assert held / draws >= least


@pytest.mark.parametrize(("positives", "negatives"), [(10, 10), (10, 100), (30, 300)])
@pytest.mark.parametrize("area", [0.95, 0.99])
def test_positives_beyond_all_negatives_are_covered(positives: int, negatives: int, area: float) -> None:
    """A few positives that score below all negatives, as mislabelled ones do: the upper end of ten positives was too low in 8 to 10 %
    of draws, and the lower end too high in 21 % where none of thirty was drawn."""
    rng = np.random.default_rng(13)
    positive = classes(positives, negatives)
    draws, below, above = 400, 0, 0
    for _ in range(draws):
        lost = (rng.random(len(positive)) < 1 - area) & (positive == 1)
        low, high = ends(made(np.where(lost, -10, 10 * positive) + rng.random(len(positive)), positive))
        below, above = below + (high < area), above + (low > area)
    assert max(below, above) / draws <= 0.06
    assert 1 - (below + above) / draws >= 0.935


def test_the_ends_do_not_jump_at_one_half() -> None:
    """Scores that turn over pair by pair, through one half."""
    before: tuple[float, float] | None = None
    for turned in range(9):
        scores = np.arange(16.0)
        positive = np.tile([1.0, 0.0], 8)
        scores[2 * turned : 2 * turned + 2] = scores[2 * turned : 2 * turned + 2][::-1]
        now = ends(made(scores, positive))
        if before is not None:
            assert max(abs(a - b) for a, b in zip(before, now, strict=True)) < 0.05
        before = now


def test_coverage_in_clusters() -> None:
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(30), 6)
    positive = (groups % 2).astype(float)
    names: list[str | None] = [str(group) for group in groups]
    apart = math.sqrt(2) * NormalDist().inv_cdf(0.8)
    held, draws = 0, 400
    for _ in range(draws):
        common = rng.normal(0, math.sqrt(0.4), 30)[groups]
        low, high = ends(
            made(apart * positive + common + rng.normal(0, math.sqrt(0.6), 180), positive, names)
        )
        held += low <= 0.8 <= high
    assert held / draws >= 0.935


def test_gain_knows_that_both_are_of_the_same_samples() -> None:
    rng = np.random.default_rng(2)
    positive = classes(80, 80)
    shared = rng.normal(positive, 1)
    alike = auroc_gain(shared + rng.normal(0, 0.1, 160), shared, positive, [None] * 160, missing=0)
    apart = auroc_gain(rng.normal(positive, 1), shared, positive, [None] * 160, missing=0)
    assert ends(alike)[1] - ends(alike)[0] < (ends(apart)[1] - ends(apart)[0]) / 2
    # A baseline below one half takes nothing off, and adds nothing.
    found = auroc_gain(shared, -shared, positive, [None] * 160, missing=0)
    assert found.value == pytest.approx(auroc(shared, positive == 1) - 0.5)


def test_gain_covers_at_its_kink() -> None:
    rng = np.random.default_rng(3)
    positive = classes(40, 40)
    truth = NormalDist().cdf(1 / math.sqrt(2)) - 0.5
    held, below, draws = 0, 0, 400
    for _ in range(draws):
        found = auroc_gain(rng.normal(positive, 1), rng.normal(0, 1, 80), positive, [None] * 80, missing=0)
        held += ends(found)[0] <= truth <= ends(found)[1]
        below += ends(found)[1] < truth
    assert held / draws >= 0.935
    assert below / draws <= 0.045
