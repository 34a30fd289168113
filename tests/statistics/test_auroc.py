"""The area under the ROC curve against its definition, pair by pair, and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lsm_eval.statistics.auroc import auroc


def by_pairs(scores: list[float], positive: list[bool]) -> float:
    """The definition: every (positive, negative) pair counts 1, 1/2 or 0."""
    wins = [
        1.0 if p > n else 0.5 if p == n else 0.0
        for p, is_positive in zip(scores, positive, strict=True)
        if is_positive
        for n, is_other in zip(scores, positive, strict=True)
        if not is_other
    ]
    return sum(wins) / len(wins)


def test_small_cases_by_hand() -> None:
    assert auroc([1, 2, 3, 4], [False, False, True, True]) == 1.0
    assert auroc([1, 2, 3, 4], [True, True, False, False]) == 0.0
    assert auroc([5, 5, 5], [True, False, False]) == 0.5
    # One of two pairs is won, the other is tied.
    assert auroc([2, 1, 2], [True, False, False]) == 0.75


def test_order_and_infinities_do_not_matter() -> None:
    assert auroc([-math.inf, 0.0, math.inf], [False, True, True]) == 1.0
    assert auroc([math.inf, math.inf, 0.0], [True, False, False]) == 0.75


@pytest.mark.parametrize("seed", range(5))
def test_pairs_and_scikit_learn_agree_with_many_ties(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is another implementation")
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, 120).astype(float)
    positive = rng.random(120) < 0.3 + 0.05 * scores
    found = auroc(scores, positive)
    assert found == pytest.approx(by_pairs(scores.tolist(), positive.tolist()), abs=1e-12)
    assert found == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)
    assert found + auroc(-scores, positive) == pytest.approx(1, abs=1e-12)


def test_one_class_is_undefined_not_half() -> None:
    assert math.isnan(auroc([1.0, 2.0], [True, True]))
    assert math.isnan(auroc([1.0, 2.0], [False, False]))
    assert math.isnan(auroc([], []))


def test_nan_and_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        auroc([math.nan, 1.0], [True, False])
    with pytest.raises(ValueError, match="one length"):
        auroc([1.0], [True, False])
