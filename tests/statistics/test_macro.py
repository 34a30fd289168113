"""Macro-F1's interval: the delta method by differences, coverage, continuity, and where there is none."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.macro import macro_f1, macro_f1_estimate

LABELS = ["a", "b", "c"]


def classified(
    rng: np.random.Generator, number: int, prior: list[float], accuracy: float
) -> tuple[FloatArray, FloatArray]:
    """Predictions and truths, each [n, 3]; errors go to either other class alike."""
    true = rng.choice(3, number, p=prior)
    said = np.where(rng.random(number) < accuracy, true, (true + rng.integers(1, 3, number)) % 3)
    return np.eye(3)[said], np.eye(3)[true]


def made(said: FloatArray, true: FloatArray, clusters: list[str | None] | None = None) -> Estimate:
    return macro_f1_estimate(said * true, said, true, LABELS, clusters or [None] * len(said), missing=0)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


def truth(prior: list[float], accuracy: float) -> float:
    joint = np.array(prior)[:, None] * (accuracy * np.eye(3) + (1 - accuracy) / 2 * (1 - np.eye(3)))
    return float(macro_f1(np.diag(joint), joint.sum(axis=0), np.array(prior)))


def test_the_variance_is_that_of_the_delta_method() -> None:
    rng = np.random.default_rng(0)
    said, true = classified(rng, 4000, [0.6, 0.3, 0.1], 0.7)
    joint = true.T @ said / 4000

    def of(cells: FloatArray) -> float:
        return float(macro_f1(np.diag(cells), cells.sum(axis=0), cells.sum(axis=1)))

    slope = np.zeros((3, 3))
    for cell in np.ndindex(3, 3):
        step = np.zeros((3, 3))
        step[cell] = 1e-6
        slope[cell] = (of(joint + step) - of(joint - step)) / 2e-6
    variance = float((joint * slope**2).sum() - (joint * slope).sum() ** 2) / 4000
    found = made(said, true)
    assert found.stderr == pytest.approx(math.sqrt(variance), rel=2e-3)
    assert found.value == pytest.approx(of(joint))


def test_of_two_balanced_classes_it_is_nearly_the_interval_of_the_accuracy() -> None:
    right = np.arange(400) % 5 > 0
    true = np.eye(2)[np.arange(400) % 2]
    said = np.where(right[:, None], true, 1 - true)
    found = macro_f1_estimate(said * true, said, true, ["a", "b"], [None] * 400, missing=0)
    assert found.value == pytest.approx(0.8)
    assert ends(found) == pytest.approx((0.7581, 0.8363), abs=1e-3)  # Wilson's of 320 of 400


@pytest.mark.parametrize(
    ("number", "prior", "accuracy", "size"),
    [
        (60, [0.4, 0.3, 0.3], 0.6, 1),
        (100, [0.4, 0.3, 0.3], 0.98, 1),
        (300, [0.7, 0.2, 0.1], 0.9, 1),
        (300, [0.5, 0.3, 0.2], 0.7, 6),
    ],
)
def test_it_is_covered(number: int, prior: list[float], accuracy: float, size: int) -> None:
    rng = np.random.default_rng(7)
    clusters = [str(i // size) if size > 1 else None for i in range(number)]
    low, high = np.array(
        [
            ends(found)
            for _ in range(300)
            if (found := made(*classified(rng, number, prior, accuracy), clusters)).low is not None
        ]
    ).T
    held = ((low <= truth(prior, accuracy)) & (truth(prior, accuracy) <= high)).mean()
    assert held >= 0.92


def test_a_cluster_of_copies_counts_once() -> None:
    said, true = classified(np.random.default_rng(1), 80, [0.4, 0.3, 0.3], 0.7)
    once = made(said, true)
    copies = made(np.repeat(said, 5, axis=0), np.repeat(true, 5, axis=0), [str(i // 5) for i in range(400)])
    assert copies.value == pytest.approx(once.value)
    assert copies.method == "wilson(effective, macro, clusters)"
    assert copies.stderr == pytest.approx(once.stderr)
    assert ends(copies) == pytest.approx(ends(once), abs=0.03)


def test_no_error_and_one_error_are_near_each_other() -> None:
    true = np.eye(3)[np.arange(90) % 3]
    said = true.copy()
    widths = []
    for wrong in range(4):
        low, high = ends(made(said, true))
        widths.append(low)
        assert high == (1.0 if not wrong else pytest.approx(1.0, abs=0.02))
        said[wrong] = np.roll(true[wrong], 1)
    assert widths[0] < 0.97
    assert all(0 < a - b < 0.04 for a, b in pairwise(widths))


def test_a_class_that_is_nowhere_is_no_class() -> None:
    true = np.eye(3)[np.arange(40) % 2]
    assert made(true, true).value == 1.0
    assert made(true, true).method == "wilson(effective, macro)"


def test_one_class_has_the_width_of_a_rarely_hit_one() -> None:
    # A hit counts twice: the interval is wider than that of a share of as many independent trials.
    rng = np.random.default_rng(3)
    true = rng.random((1000, 1)) < 0.3
    said = rng.random((1000, 1)) < 0.3
    found = macro_f1_estimate(
        (said & true).astype(float), said.astype(float), true.astype(float), ["a"], [None] * 1000, missing=0
    )

    class Ratio:
        unit, mean, proportion = "fraction", False, False

        def aggregate(self, sums: FloatArray) -> FloatArray:
            return np.asarray(sums[..., 0] / sums[..., 1])

    rows = np.column_stack([2 * (said & true), said.astype(int) + true.astype(int)]).astype(float)
    other = estimate(Ratio(), rows, [None] * 1000, missing=0, ties=0, seed=0)
    assert found.value == pytest.approx(other.value)
    assert found.stderr == pytest.approx(other.stderr, rel=1e-2)
    low, high = ends(found)
    assert high - low > ends(other)[1] - ends(other)[0]


@pytest.mark.parametrize(
    ("true", "clusters", "method"),
    [
        ([0] * 20 + [1] * 20 + [2] * 4, None, "none (class 'c' has 4 samples)"),
        ([0] * 20 + [1] * 20 + [2], None, "none (class 'c' has 1 sample)"),
        ([0, 1, 2] * 10, [str(i % 4) for i in range(30)], "none (only 4 clusters)"),
        ([0, 1] * 20 + [2] * 6, [str(i // 2) for i in range(46)], "none (class 'c': only 3 clusters)"),
        ([0, 1, 2] * 10, ["x"] * 30, "none (one cluster)"),
        ([], None, "none (no samples)"),
    ],
)
def test_where_there_is_none(true: list[int], clusters: list[str | None] | None, method: str) -> None:
    rows = np.eye(3)[np.array(true, int)]
    assert made(rows, rows, clusters).method == method


def test_predictions_of_a_class_without_a_sample_count() -> None:
    true = np.eye(3)[np.arange(40) % 2]
    said = true.copy()
    said[0] = (0, 0, 1)
    found = made(said, true)
    assert found.value == pytest.approx((38 / 39 + 1 + 0) / 3)  # scikit-learn's too
    assert found.method == "none (class 'c' has no samples)"
