"""Samples of unequal weight: values by other means, standard errors by leaving out, and intervals that hold the whole's value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lsm_eval.statistics.auroc_gain import auroc_gain
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.correlation import correlation, correlation_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.macro import macro_f1, macro_f1_estimate
from lsm_eval.statistics.risk_coverage import risk_coverage, risk_coverage_estimate
from lsm_eval.statistics.tpr import tpr_at, tpr_estimate


def drawn(seed: int, number: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores with a few ties, outcomes, and weights that sum to what the samples are worth."""
    rng = np.random.default_rng(seed)
    outcomes = (rng.random(number) < 0.4).astype(float)
    scores = (outcomes + rng.standard_normal(number)).round(2)
    return scores, outcomes, kish(rng.integers(1, 6, number))


def kish(weights: NDArray[np.int_]) -> FloatArray:
    return np.asarray(weights * (weights.sum() / np.square(weights).sum()), float)


def classes(outcomes: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    true, said = np.eye(2)[outcomes.astype(int)], np.eye(2)[(scores > 0.5).astype(int)]
    return true * said, said, true


Made = Callable[[FloatArray, FloatArray, list[str | None], FloatArray | None], Estimate]
MADE: dict[str, Made] = {
    "macro-F1": lambda s, o, c, w: macro_f1_estimate(*classes(o, s), ["a", "b"], c, missing=0, weights=w),
    "aurc": lambda s, o, c, w: risk_coverage_estimate(s, 1 - o, c, missing=0, weights=w),
    "aurc, excess": lambda s, o, c, w: risk_coverage_estimate(s, 1 - o, c, missing=0, excess=True, weights=w),
    "correlation": lambda s, o, c, w: correlation_estimate(s, o, c, missing=0, weights=w),
    "true positives": lambda s, o, c, w: tpr_estimate(s, o, 0.2, c, missing=0, weights=w),
    "gain": lambda s, o, c, w: auroc_gain(s, np.cos(99 * s), o, c, missing=0, weights=w),
}


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("name", MADE)
def test_weights_that_are_all_one_change_nothing(name: str) -> None:
    scores, outcomes, _ = drawn(0, 120)
    for clusters in ([None] * 120, [str(at // 4) for at in range(120)]):
        plain = MADE[name](scores, outcomes, list(clusters), None)
        weighed = MADE[name](scores, outcomes, list(clusters), np.ones(120))
        assert weighed.value == pytest.approx(plain.value)
        assert weighed.method == plain.method
        assert ends(weighed) == pytest.approx(ends(plain))


@pytest.mark.parametrize("name", MADE)
def test_heavy_samples_are_worth_less(name: str) -> None:
    scores, outcomes, _ = drawn(1, 200)
    heavy = kish(np.tile([1, 1, 1, 1, 16], 40))
    plain, weighed = (MADE[name](scores, outcomes, [None] * 200, w) for w in (None, heavy))
    assert np.ptp(ends(weighed)) > 1.3 * np.ptp(ends(plain))
    low, high = ends(weighed)
    assert weighed.value is not None
    assert low <= weighed.value <= high
    assert weighed.n == 200


@pytest.mark.parametrize("name", ["macro-F1", "aurc", "aurc, excess", "correlation"])
def test_the_standard_error_is_that_of_leaving_out(name: str) -> None:
    scores, outcomes, weights = drawn(2, 300)
    number = len(scores)
    without = np.array(
        [
            MADE[name](
                np.delete(scores, at), np.delete(outcomes, at), [None] * (number - 1), np.delete(weights, at)
            ).value
            for at in range(number)
        ],
        float,
    )
    jackknife = np.sqrt((number - 1) / number * np.square(without - without.mean()).sum())
    assert MADE[name](scores, outcomes, [None] * number, weights).stderr == pytest.approx(jackknife, rel=0.03)


def test_macro_f1_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, outcomes, weights = drawn(3, 150)
    for average, columns in (("macro", [0, 1]), ("binary", [1])):
        hits, said, true = (rows[:, columns] for rows in classes(outcomes, scores))
        made = macro_f1_estimate(
            hits, said, true, ["a", "b"][: len(columns)], [None] * 150, missing=0, weights=weights
        )
        wanted = metrics.f1_score(outcomes, scores > 0.5, average=average, sample_weight=weights)
        assert made.value == pytest.approx(wanted)


def test_a_class_of_one_heavy_sample_bears_no_interval() -> None:
    true = np.eye(2)[np.repeat([0, 1], [30, 6])]
    weights = kish(np.repeat([1, 1, 50], [30, 5, 1]))
    made = macro_f1_estimate(true, true, true, ["a", "b"], [None] * 36, missing=0, weights=weights)
    assert (made.value, made.low, made.method) == (1.0, None, "none (class 'b' has samples worth 1.2)")


def test_the_correlation_is_numpys() -> None:
    scores, outcomes, weights = drawn(4, 80)
    made = correlation_estimate(scores, outcomes, [None] * 80, missing=0, weights=weights)
    covariance = np.cov(scores, outcomes, aweights=weights)
    assert made.value == pytest.approx(covariance[0, 1] / np.sqrt(np.diag(covariance).prod()))
    few = correlation_estimate(
        scores[:6], outcomes[:6], [None] * 6, missing=0, weights=kish(np.array([1, 1, 1, 1, 1, 9]))
    )
    assert few.method == "none (samples worth only 2.3)"


def test_the_area_is_the_one_by_hand() -> None:
    confidence, wrong = np.array([0.9, 0.8, 0.7]), np.array([0.0, 1.0, 0.0])
    # Places as long as 1, 3 and 2; risks 0, 3/4 and 3/6.
    assert risk_coverage(confidence, wrong, weights=np.array([1.0, 3, 2])) == pytest.approx(
        (3 * 0.75 + 2 * 0.5) / 6
    )
    # At best the wrong one comes last: risks 0, 0 and 3/6.
    assert risk_coverage(confidence, wrong, excess=True, weights=np.array([1.0, 3, 2])) == pytest.approx(
        (3 * 0.75 + 2 * 0.5 - 3 * 0.5) / 6
    )


def test_the_area_of_many_is_that_of_them_written_out() -> None:
    scores, outcomes, _ = drawn(5, 3000)
    times = np.random.default_rng(5).integers(1, 6, 3000)
    written_out = risk_coverage(np.repeat(scores, times), 1 - np.repeat(outcomes, times))
    assert risk_coverage(scores, 1 - outcomes, weights=times.astype(float)) == pytest.approx(
        written_out, abs=1e-3
    )


def test_true_positives_by_hand() -> None:
    # Negatives 4, 3, 2, 1 that weigh 1, 1, 2, 4: worth 64 / 22, so .364, .364, .727 and 1.455 each.
    scores = np.array([4, 3, 2, 1, 3.5, 2.5, 1.5])
    positive, weights = np.array([0, 0, 0, 0, 1, 1, 1.0]), np.array([1, 1, 2, 4, 1, 2, 1.0])
    worth = 64 / 22
    second, third = (above * worth / 8 + 1 / 6 for above in (1 + 0.5, 2 + 1))
    wanted = 0.35 * (worth + 1 / 3)
    share = (wanted - second) / (third - second)
    assert 0 < share < 1
    # Above 3 is a weight of 1 of 4, above 2 one of 3.
    assert tpr_at(scores, positive, 0.35, weights) == pytest.approx(0.25 * (1 - share) + 0.75 * share)


def test_true_positives_of_weighted_samples_are_hardly_biased() -> None:
    """Each positive and each negative drawn as often as it is short of: the whole's rate."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(1500):
        size = rng.choice(
            [1, 4], 400, p=[0.8, 0.2]
        )  # of a whole in which half the samples are of either size
        positive = (np.arange(400) < 150).astype(float)
        scores = rng.normal(positive + 0.8 * (size == 4), 1)
        found.append(tpr_at(scores, positive, 0.05, size.astype(float)))
    whole = np.random.default_rng(7)
    negative, positives = (whole.normal(at + 0.8 * (np.arange(10**6) % 2), 1) for at in (0, 1))
    truth = float((positives > np.quantile(negative, 0.95)).mean())
    assert np.mean(found) == pytest.approx(truth, abs=0.012)


def test_too_few_negatives_by_what_they_are_worth() -> None:
    scores, positive = np.arange(60.0), np.repeat([0.0, 1.0], 30)
    weights = kish(np.tile([1, 1, 1, 1, 40], 12))
    made = tpr_estimate(scores, positive, 0.05, [None] * 60, missing=0, weights=weights)
    assert made.value is None
    assert made.method == "none (30 negatives worth 7.2; a rate of 0.05 takes 13)"


def test_a_gain_is_the_difference_of_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, outcomes, weights = drawn(8, 200)
    other = outcomes + 2 * np.random.default_rng(8).standard_normal(200)
    made = auroc_gain(scores, other, outcomes, [None] * 200, missing=0, weights=weights)
    first, second = (metrics.roc_auc_score(outcomes, own, sample_weight=weights) for own in (scores, other))
    assert second > 0.5
    assert made.value == pytest.approx(first - second)


@pytest.mark.parametrize("name", ["macro-F1", "aurc", "correlation", "true positives"])
def test_the_whole_is_covered(name: str) -> None:
    """Strata of a whole in which heavy samples differ: without weights the value is of another whole."""
    rng = np.random.default_rng(9)

    def sampled(number: int, chances: list[float]) -> tuple[FloatArray, FloatArray, NDArray[np.int_]]:
        size = rng.choice([1, 5], number, p=chances)
        outcomes = (rng.random(number) < np.where(size == 5, 0.55, 0.3)).astype(float)
        return rng.normal(outcomes * np.where(size == 5, 0.5, 1.5), 1), outcomes, size

    scores, outcomes, _ = sampled(200_000, [0.5, 0.5])
    truth = {
        "macro-F1": lambda: float(macro_f1(*(rows.sum(axis=0) for rows in classes(outcomes, scores)))),
        "aurc": lambda: risk_coverage(scores, 1 - outcomes),
        "correlation": lambda: correlation(scores, outcomes),
        "true positives": lambda: tpr_at(scores, outcomes, 0.2),
    }[name]()
    held = 0
    for _ in range(200):
        own, right, size = sampled(120, [5 / 6, 1 / 6])
        low, high = ends(MADE[name](own, right, [None] * 120, kish(size)))
        held += low <= truth <= high
    assert held / 200 > 0.91
