"""Numbers put together from parts: against statsmodels, published values, simulation, and one sample at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from lsm_eval.benchmarks.bias.bbq.code import BiasAmbiguous, BiasDisambiguated
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.parts import Part, combined, share_among

DIFFERENCE = Part(1.0, slice(0, 2)), Part(-1.0, slice(2, 4))


def difference(first: tuple[int, int], second: tuple[int, int]) -> Estimate:
    """Of two proportions, (successes, trials) each."""
    rows = [(float(n < first[0]), 1.0, 0.0, 0.0) for n in range(first[1])]
    rows += [(0.0, 0.0, float(n < second[0]), 1.0) for n in range(second[1])]
    return combined(DIFFERENCE, np.array(rows), [None] * len(rows), missing=0, ties=0, seed=0)


@pytest.mark.parametrize(
    ("first", "second", "published", "wider"),
    [
        # Newcombe 1998, table II, method 10, of Wilson's bare ends; ours are no narrower, and hardly wider where all counts are large.
        ((56, 70), (48, 80), (0.0524, 0.3339), 0.003),
        ((9, 10), (3, 10), (0.1705, 0.8090), 0.08),
        ((10, 10), (0, 20), (0.6791, 1.0), 0.02),
        ((5, 56), (0, 29), (-0.0381, 0.1926), 0.02),
        ((10, 10), (0, 10), (0.6075, 1.0), 0.02),
    ],
)
def test_differences_are_no_narrower_than_those_that_newcombe_prints(
    first: tuple[int, int], second: tuple[int, int], published: tuple[float, float], wider: float
) -> None:
    found = difference(first, second)
    assert found.low is not None
    assert found.high is not None
    assert published[0] - wider <= found.low <= published[0] + 6e-5
    assert published[1] - 6e-5 <= found.high <= published[1] + wider
    assert found.method == "newcombe(wilson)"


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Method 10 of the shares' own intervals, by statsmodels."""
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    sides = []
    for hits, number in (first, second):
        bare = proportion.proportion_confint(hits, number, method="wilson")
        exact = proportion.proportion_confint(hits, number, alpha=0.065, method="beta")
        sides.append((hits / number, min(bare[0], exact[0]), max(bare[1], exact[1])))
    (p, a, b), (q, c, d) = sides
    return p - q - float(np.hypot(p - a, d - q)), p - q + float(np.hypot(b - p, q - c))


def test_differences_are_newcombes_of_the_parts_intervals() -> None:
    for first, second in (((13, 37), (19, 40)), ((25, 60), (30, 70))):
        found = difference(first, second)
        assert (found.low, found.high) == pytest.approx(newcombe(first, second), abs=1e-9)


def test_rare_events_on_both_sides_are_a_sum_of_counts() -> None:
    """Two failures of the one and one success of the other, in trials of unequal number; the gamma distribution by SciPy."""
    stats = pytest.importorskip("scipy.stats")
    first, second = (28, 30), (1, 12)
    mean, variance = 2 / 30 + 1 / 12, 2 * 28 / 30**3 + 11 / 12**3
    least = stats.gamma.ppf(0.025, mean**2 / variance, scale=variance / mean)
    found = difference(first, second)
    assert found.high == pytest.approx(1 - least, abs=1e-9)
    assert newcombe(first, second)[1] < 1 - least
    assert found.low == pytest.approx(newcombe(first, second)[0], abs=1e-9)
    turned = difference(second, first)
    assert (turned.low, turned.high) == pytest.approx((-1 + least, -(found.low or 0)), abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (5, 25), (8, 13), (15, 15), (20, 20)])
def test_no_difference_is_missed_more_often_than_the_bars_allow(n: int, m: int) -> None:
    """Of all pairs of shares, opposite rare ones included, by exact sums; Newcombe's own held 83 % of some."""
    binom = pytest.importorskip("scipy.stats").binom
    ends = np.array([[_ends(difference((x, n), (y, m))) for y in range(m + 1)] for x in range(n + 1)])
    shares = 1 / (1 + np.exp(-np.linspace(-5, 5, 41)))
    one, other = (binom.pmf(np.arange(k + 1)[:, None], k, shares) for k in (n, m))
    truths = shares[:, None] - shares[None, :]
    above, below = np.zeros((41, 41)), np.zeros((41, 41))
    for x in range(n + 1):
        for y in range(m + 1):
            chance = one[x][:, None] * other[y][None, :]
            above += chance * (ends[x, y, 0] > truths + 1e-12)
            below += chance * (ends[x, y, 1] < truths - 1e-12)
    assert (1 - above - below).min() >= 0.935
    if n + m >= 30:
        assert max(above.max(), below.max()) <= 0.04


def _ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def test_three_of_three_known_are_no_certainty_whatever_the_unknown() -> None:
    rows = np.array([[1.0, 1.0]] * 3 + [[0.0, 0.0]] * 97)
    found = share_among(rows, [None] * 100, missing=2, ties=1, seed=0)
    assert (found.value, found.high, found.n, found.missing, found.ties) == (1, 1, 100, 2, 1)
    # Clopper & Pearson's of 3 of 3: (α/2)^(1/3).
    assert found.low == pytest.approx(0.025 ** (1 / 3))
    score = BiasDisambiguated().estimate(
        np.column_stack([rows, 0 * rows]), [None] * 100, missing=0, ties=0, seed=0
    )
    assert (score.value, score.high) == (1, 1)
    assert score.low == pytest.approx(2 * 0.025 ** (1 / 3) - 1)


def test_one_known_has_no_interval_and_none_no_value() -> None:
    rows = np.zeros((9, 2))
    assert (
        share_among(rows, [None] * 9, missing=0, ties=0, seed=0).method == "none (undefined on these samples)"
    )
    rows[4] = 1
    found = share_among(rows, [None] * 9, missing=0, ties=0, seed=0)
    assert (found.value, found.low, found.method) == (1, None, "none (one sample)")


def ambiguous(n: int, known: float, biased: float, rng: np.random.Generator) -> Estimate:
    answered = (rng.random(n) < known).astype(float)
    rows = np.column_stack([answered * (rng.random(n) < biased), answered, 1 - answered, np.ones(n)])
    made: Estimate = BiasAmbiguous().estimate(rows, [None] * n, missing=0, ties=0, seed=0)
    return made


@pytest.mark.parametrize(("known", "biased"), [(0.01, 0.8), (0.1, 0.8), (0.9, 0.9)])
def test_the_ambiguous_score_of_a_model_that_seldom_commits_itself_is_covered(
    known: float, biased: float
) -> None:
    """Percentiles of a bootstrap held the score of a model that answers unknown to 99 % in 65 % of draws."""
    rng = np.random.default_rng(0)
    truth, held = known * (2 * biased - 1), 0
    for _ in range(200):
        found = ambiguous(1000, known, biased, rng)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 180


def paired(first: NDArray[np.float64], second: NDArray[np.float64]) -> Estimate:
    rows = np.zeros((2 * len(first), 4))
    rows[0::2, 0], rows[0::2, 1], rows[1::2, 2], rows[1::2, 3] = first, 1, second, 1
    clusters = [str(pair) for pair in range(len(first)) for _ in range(2)]
    return combined(DIFFERENCE, rows, clusters, missing=0, ties=0, seed=0)


def test_pairs_are_covered_and_narrower_than_two_groups() -> None:
    rng = np.random.default_rng(1)
    held, widths = 0, []
    for _ in range(200):
        first = (rng.random(100) < 0.6).astype(float)
        second = np.where(rng.random(100) < 0.8, first, rng.random(100) < 0.6)
        found = paired(first, second)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
        widths.append(found.high - found.low)
    assert held >= 186
    assert np.mean(widths) < 0.7 * 2 * 1.96 * np.sqrt(2 * 0.24 / 100)


def test_one_sample_moves_the_ends_a_little() -> None:
    ends = [
        (found.low, found.high)
        for hits in range(41)
        if (found := difference((hits, 40), (3, 40))).low is not None
    ]
    assert len(ends) == 41
    for one, other in pairwise(ends):
        assert np.abs(np.subtract(np.array(one, float), np.array(other, float))).max() < 0.06


@pytest.mark.parametrize("share", [1 / 3, 0.1, 1 / 7])
def test_what_rounding_leaves_is_no_spread(share: float) -> None:
    """Where every sample says the same, a number whose sums are rounded has the ends of its neighbour whose sums are not."""
    neighbour = np.float32(share).item()
    rng = np.random.default_rng(3)
    clusters: list[str | None] = [f"c{at}" for at in rng.integers(0, 12, 70)]
    weights = rng.integers(1, 9, 70).astype(float)

    def found(value: float) -> tuple[Estimate, Estimate]:
        rows = np.column_stack([value * weights, weights, value * weights[::-1], weights[::-1]])
        mean = share_among(rows[:, :2], clusters, missing=0, ties=0, seed=0)
        return mean, combined(DIFFERENCE, rows, clusters, missing=0, ties=0, seed=0)

    for rounded, exact in zip(found(share), found(neighbour), strict=True):
        assert rounded.method == exact.method
        assert "correlated" not in rounded.method
        assert (rounded.low, rounded.high) == pytest.approx((exact.low, exact.high), abs=1e-6)
