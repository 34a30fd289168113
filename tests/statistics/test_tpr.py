"""True positives at few false ones: by hand, without bias, and with an interval that covers."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from lsm_eval.statistics.tpr import fewest_negatives, tpr_at, tpr_estimate

NORMAL = NormalDist()


def truth(fpr: float, apart: float) -> float:
    return 1 - NORMAL.cdf(NORMAL.inv_cdf(1 - fpr) - apart)


def test_by_hand() -> None:
    positive = np.array([0] * 100 + [1] * 4, float)
    scores = np.array([*range(100, 0, -1), 100.5, 99.5, 98.5, 50.5], float)
    # .01 · (100 + 1/3) + 1/3 = 1.3367: between the highest (1 of 4 above) and the second highest (2 of 4).
    assert tpr_at(scores, positive, 0.01) == pytest.approx(0.25 + 0.25 * (0.01 * (100 + 1 / 3) + 1 / 3 - 1))
    # 50.5: half way between the 50th highest, 51 (3 of 4), and the 51st, 50 (all).
    assert tpr_at(scores, positive, 0.5) == pytest.approx(0.875)
    assert tpr_at(scores, positive, 0.6) == 1
    assert np.isnan(tpr_at(scores[:100], positive[:100], 0.01))
    assert np.isnan(tpr_at(scores[40:], positive[40:], 0.01)), "60 cannot tell of 1 %"
    assert tpr_at(np.zeros(200), np.array([0, 1] * 100, float), 0.01) == 0, "ties count against"
    assert (fewest_negatives(0.01), fewest_negatives(0.1), fewest_negatives(0.9)) == (67, 7, 1)
    # With the fewest the place is the highest itself.
    assert 0.01 * (67 + 1 / 3) + 1 / 3 >= 1 > 0.01 * (66 + 1 / 3) + 1 / 3


@pytest.mark.parametrize(("negatives", "apart"), [(100, 1.0), (100, 2.0), (500, 1.0)])
def test_hardly_biased(negatives: int, apart: float) -> None:
    """.133 was found for .092 with 100 and 100."""
    rng = np.random.default_rng(1)
    positive = np.r_[np.ones(100), np.zeros(negatives)]
    found = [tpr_at(rng.normal(apart * positive, 1), positive, 0.01) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(truth(0.01, apart), abs=0.015)


@pytest.mark.parametrize(
    ("positives", "negatives", "fpr", "apart"), [(100, 500, 0.01, 1.0), (50, 100, 0.05, 2.0)]
)
def test_coverage(positives: int, negatives: int, fpr: float, apart: float) -> None:
    rng = np.random.default_rng(2)
    positive = np.r_[np.ones(positives), np.zeros(negatives)]
    clusters = [None] * len(positive)
    held, draws = 0, 200
    for _ in range(draws):
        found = tpr_estimate(rng.normal(apart * positive, 1), positive, fpr, clusters, missing=0)
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
        held += found.low <= truth(fpr, apart) <= found.high
    assert held / draws >= 0.935


def test_clusters_widen_and_reasons_are_said() -> None:
    rng = np.random.default_rng(3)
    positive = np.tile([1.0] * 5 + [0.0] * 10, 40)
    groups = np.repeat(np.arange(40), 15)
    scores = positive + rng.normal(0, 0.3, 600) + rng.normal(0, 1, 40)[groups]
    alone = tpr_estimate(scores, positive, 0.05, [None] * 600, missing=0)
    together = tpr_estimate(scores, positive, 0.05, [str(group) for group in groups], missing=0)
    assert alone.low is not None
    assert alone.high is not None
    assert together.low is not None
    assert together.high is not None
    assert together.high - together.low > alone.high - alone.low
    assert together.method == "wilson and order statistics (clusters)"
    few = tpr_estimate(scores, positive, 0.05, [str(group % 3) for group in groups], missing=2)
    assert (few.low, few.method, few.missing) == (None, "none (positives: only 3 clusters)", 2)
    assert few.value == alone.value
    assert tpr_estimate(scores[:15], positive[:15], 0.05, [None] * 15, missing=0).method == (
        "none (10 negatives; a rate of 0.05 takes 13)"
    )
