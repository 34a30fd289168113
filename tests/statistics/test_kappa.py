"""Cohen's kappa of two raters: scikit-learn's values, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from lsm_eval.statistics.kappa import cohen_kappa, kappa_estimate, kappa_interval


def items(*counts: int) -> np.ndarray:
    return np.repeat(np.eye(4), counts, axis=0)


def shares(kappa: float, yes: float) -> np.ndarray:
    """The four cells of two raters with the same share of yes."""
    chance = yes**2 + (1 - yes) ** 2
    apart = (1 - chance) * (1 - kappa) / 2
    return np.array([yes - apart, apart, apart, 1 - yes - apart])


def test_the_value_is_that_of_scikit_learn() -> None:
    score = pytest.importorskip("sklearn.metrics").cohen_kappa_score
    rng = np.random.default_rng(0)
    for _ in range(20):
        one, other = rng.random(40) < 0.4, rng.random(40) < 0.6
        cells = np.array(
            [(one & other).sum(), (~one & other).sum(), (one & ~other).sum(), (~one & ~other).sum()]
        )
        assert float(cohen_kappa(cells.astype(float))) == pytest.approx(score(one, other))


def test_perfect_agreement_of_few_items_has_an_interval_with_a_width() -> None:
    found = kappa_estimate(items(4, 0, 0, 4), [None] * 8)
    assert (found.value, found.high, found.method) == (1.0, 1.0, "projection(kappa)")
    assert found.low is not None
    assert 0.3 < found.low < 0.6
    assert kappa_estimate(items(5, 0, 0, 0), [None] * 5).value is None, (
        "undefined where both say one thing only"
    )


@pytest.mark.parametrize("kappa", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.slow
def test_it_covers(kappa: float) -> None:
    """Nominal 95 %, n = 20: kappa of small samples is discrete, so three shares of yes count together."""
    rng = np.random.default_rng(3)
    held = made = 0
    for yes in (0.5, 0.3, 0.2):
        for counts in rng.multinomial(20, shares(kappa, yes), 60):
            value = float(cohen_kappa(counts.astype(float)))
            if np.isfinite(value):
                low, high = kappa_interval(counts.astype(float), 0.95)
                made += 1
                held += min(low, value) <= kappa + 1e-12 and kappa - 1e-12 <= max(high, value)
    assert held / made > 0.92


def test_items_that_hang_together_count_as_fewer() -> None:
    """Ten items of a prompt that are all alike are one; and clusters that say nothing change little."""
    alike = items(12, 3, 3, 12)
    one = kappa_estimate(alike, [None] * 30)
    ten = kappa_estimate(np.repeat(alike, 10, axis=0), [str(i) for i in range(30) for _ in range(10)])
    assert one.value == ten.value
    assert None not in (one.low, one.high, ten.low, ten.high)
    assert ten.high - ten.low == pytest.approx(one.high - one.low, rel=0.15)  # type: ignore[operator]
    rng = np.random.default_rng(1)
    apart = kappa_estimate(np.repeat(alike, 10, axis=0), [str(i) for i in rng.permutation(300) // 10])
    assert apart.high - apart.low < 0.6 * (ten.high - ten.low)  # type: ignore[operator]
    assert kappa_estimate(alike, [str(i % 3) for i in range(30)]).method == "none (only 3 clusters)"


def test_one_item_more_moves_the_ends_little() -> None:
    ends = np.array([kappa_interval(np.array([15.0 - i, i, 0, 15]), 0.95) for i in range(15)])
    assert np.abs(np.diff(ends, axis=0)).max() < 0.15
