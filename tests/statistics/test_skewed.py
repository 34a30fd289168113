"""Ends moved outwards where values have no range: against SciPy and simulation, and none where too little is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lsm_eval.scoring.registry import create
from lsm_eval.statistics.bounded import FloatArray, robust_mean
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate
from lsm_eval.statistics.skewed import end_distances, observed_skewness, widened

Rng = np.random.Generator


class Mean:
    unit, mean, proportion = "nats", True, False

    def aggregate(self, sums: FloatArray) -> FloatArray:
        return np.asarray(sums[..., 0] / sums[..., 1])


def made(
    values: FloatArray | Sequence[float], clusters: Sequence[str | None] | None = None, level: float = 0.95
) -> Estimate:
    stats = np.column_stack([values, np.ones(len(values))])
    given = clusters or [None] * len(stats)
    return estimate(Mean(), stats, given, missing=0, ties=0, seed=0, level=level)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_expansion_is_where_the_t_of_skewed_values_falls(level: float) -> None:
    """Of a thousand exponential ones, whose mean has a known skewness: the quantile of (truth - mean) / standard error."""
    draws = np.random.default_rng(0).exponential(1.0, (20_000, 100))
    errors = draws.std(axis=1, ddof=1) / 10
    quantile = scipy_stats.t.ppf(0.5 + level / 2, 99)
    far = np.quantile((1 - draws.mean(axis=1)) / errors, 0.5 + level / 2)
    assert widened(quantile, 2 / 10) == pytest.approx(far, rel=0.03)
    assert quantile < 0.9 * far


def test_what_is_seen_is_scipys_skewness() -> None:
    values = np.random.default_rng(1).gamma(9.0, 1.0, 200)
    skewness = scipy_stats.skew(values) / math.sqrt(200)
    assert observed_skewness(values - values.mean()) == pytest.approx((0.0, 3 * (skewness - 0.5 / 200)))
    assert observed_skewness(values.mean() - values, 1.0) == pytest.approx((skewness - 0.5 / 200, 0.0))
    # One large value among many: no more than 1.
    assert observed_skewness(np.array([9.0, *[-1.0] * 9])) == (0.0, 1.0)
    assert observed_skewness(np.array([1.0, -1.0, 0.0])) == observed_skewness(np.zeros(3)) == (0.0, 0.0)


def test_numbers_above_0_are_taken_to_be_skewed() -> None:
    """By three times their coefficient of variation, a third more for ten of them."""
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    sums = np.column_stack([values, np.ones(10)])
    robust = robust_mean(sums)
    below, above = end_distances(sums, robust, 0.95)
    quantile = scipy_stats.t.ppf(0.975, 9)
    guess = 3 * (1 + 3 / 9) * scipy_stats.sem(values) / values.mean()
    assert (below, above) == pytest.approx((quantile, widened(quantile, guess)))
    assert end_distances(sums * (-1, 1), robust_mean(sums * (-1, 1)), 0.95) == pytest.approx((above, below))
    # Around 0 there is nothing to guess.
    around = np.column_stack([values - 5.5, np.ones(10)])
    assert end_distances(around, robust_mean(around), 0.95) == pytest.approx((quantile, quantile))


def test_a_mirrored_mean_has_the_mirrored_interval_and_scales_do_not_matter() -> None:
    values = np.random.default_rng(2).lognormal(0, 1, 15)
    low, high = ends(made(values))
    assert ends(made(-values)) == pytest.approx((-high, -low))
    assert ends(made(1e6 * values)) == pytest.approx((1e6 * low, 1e6 * high))


def test_a_value_that_changes_its_sign_moves_the_ends_little() -> None:
    values = np.random.default_rng(3).exponential(1.0, 20)
    before, spread = ends(made(values)), scipy_stats.sem(values)
    for small in (1e-3, 1e-6, 0.0, -1e-6, -1e-3):
        values[0] = small
        found = ends(made(values))
        values[0] = 1e-2
        assert np.abs(np.subtract(found, ends(made(values)))).max() < 0.2 * spread
    assert np.abs(np.subtract(found, before)).max() < 2 * spread


def test_too_few_numbers_have_no_interval() -> None:
    rng = np.random.default_rng(4)
    assert made(rng.normal(size=9)).method == "none (only 9 samples of numbers without a range)"
    assert made(rng.normal(size=10)).method == "t"
    names = [str(i // 5) for i in range(45)]
    assert made(rng.normal(size=45), names).method == "none (only 9 clusters of numbers without a range)"
    assert made(rng.normal(size=50), [*names, *"aaaaa"]).method == "t(clusters)"
    one = ["a"] * 12 + [str(i) for i in range(12)]
    why = "none (13 clusters that count as 4 equal ones, of numbers without a range)"
    assert made(rng.normal(size=24), one).method == why


@pytest.mark.parametrize("unlike", [0, 1, 2, 3])
def test_fewer_than_three_that_differ_tell_nothing(unlike: int) -> None:
    values = [2.0] * (40 - unlike) + [3.5, 17.0, 4.0][:unlike]
    expected = {0: "none (no spread between the samples)", 3: "t"}
    why = f"none (only {unlike} of 40 samples differ from the rest)"
    assert made(values).method == expected.get(unlike, why)
    # So do texts of which all but two have no error.
    rates = np.column_stack([[*[0.0] * (40 - unlike), *[3.0, 1.0, 4.0][:unlike]], np.full(40, 20.0)])
    metric: Any = create("ter")
    ter = estimate(metric, rates, [None] * 40, missing=0, ties=0, seed=0)
    assert ter.method == {0: expected[0], 3: "t(ratio)"}.get(unlike, why)


SHAPES: dict[str, tuple[float, Callable[[Rng, int], FloatArray]]] = {
    "normal": (0.0, lambda rng, n: rng.standard_normal(n)),
    "exponential": (1.0, lambda rng, n: rng.exponential(1.0, n)),
    "lognormal": (math.exp(0.5), lambda rng, n: rng.lognormal(0.0, 1.0, n)),
    "exponential less 1": (0.0, lambda rng, n: rng.exponential(1.0, n) - 1),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("number", [10, 30])
def test_skewed_numbers_are_covered(shape: str, number: int) -> None:
    """Student's t held 84 and 88 % of means of ten and of thirty log-normal ones, and the expansion alone 89 and 93 %."""
    truth, draw = SHAPES[shape]
    rng = np.random.default_rng([5, number])
    found = np.array([ends(made(draw(rng, number))) for _ in range(400)])
    below, above = (found[:, 1] < truth).mean(), (found[:, 0] > truth).mean()
    assert 1 - below - above >= 0.935 - 3 * math.sqrt(0.935 * 0.065 / 400)
    if number >= 30:
        assert max(below, above) <= 0.04 + 3 * math.sqrt(0.04 * 0.96 / 400)


def test_normal_numbers_pay_little() -> None:
    rng = np.random.default_rng(6)
    for number, most in ((10, 1.2), (30, 1.1), (100, 1.04)):
        values = rng.standard_normal((200, number))
        plain = 2 * scipy_stats.t.ppf(0.975, number - 1) * scipy_stats.sem(values, axis=1)
        widths = [high - low for low, high in map(ends, map(made, values))]
        assert np.mean(widths) < most * plain.mean()
