"""Functions of sums: against SciPy and the jackknife by hand, against simulation, and never without width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lsm_eval.metrics.bleu import Bleu
from lsm_eval.metrics.chrf import Chrf
from lsm_eval.scoring.registry import create
from lsm_eval.statistics.bounded import FloatArray
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import estimate, estimate_corpus


def made(metric: Any, stats: FloatArray, clusters: Sequence[str | None] | None = None) -> Estimate:
    return estimate(metric, stats, clusters or [None] * len(stats), missing=0, ties=0, seed=0)


def ends(found: Estimate) -> tuple[float, float]:
    assert found.low is not None, found.method
    assert found.high is not None
    return found.low, found.high


def translations(rng: np.random.Generator, number: int, quality: float) -> FloatArray:
    """BLEU's statistics of documents whose quality varies."""
    theirs = np.maximum(5, rng.lognormal(3.2, 0.6, number)).astype(int)
    ours = np.maximum(4, np.round(theirs * rng.normal(1, 0.1, number))).astype(int)
    shares = rng.beta(4 * quality, 4 * (1 - quality), number)
    totals = np.stack([ours - order for order in range(4)], axis=1)
    matches = np.stack([0.9 * shares, 0.8 * shares**1.3, 0.75 * shares**1.7, 0.7 * shares**2.2], axis=1)
    rows: FloatArray = np.column_stack([ours, theirs, rng.binomial(totals, matches), totals]).astype(float)
    return rows


def test_a_perplexity_of_equal_texts_is_a_t_interval_of_the_mean() -> None:
    """Its lower end on the logarithm; the upper one further out, as for a distribution as skewed as three times its variation."""
    nats = np.random.default_rng(0).gamma(9.0, 1.0, 40)
    found = made(create("bits_per_byte"), np.column_stack([-10 * nats, np.full(40, 10.0)]))
    squares = np.square(nats - nats.mean())
    # As many degrees of freedom as the squares that carry the variance leave.
    freedom = min(39.0, 2 * squares.sum() ** 2 / np.square(squares).sum())
    quantile, varied = scipy_stats.t.ppf(0.975, freedom), scipy_stats.sem(nats) / nats.mean()
    # Here three times the coefficient of variation, a little more for few texts, is more than the skewness seen.
    skewness = 3 * (1 + 3 / 39) * varied
    assert skewness > scipy_stats.skew(nats) / math.sqrt(40) > 0
    above = quantile + (1 + 2 * quantile**2) * skewness / 6
    low, high = nats.mean() * math.exp(-quantile * varied), nats.mean() * (1 + above * varied)
    assert ends(found) == pytest.approx((low / math.log(2), high / math.log(2)))
    assert found.stderr == pytest.approx(scipy_stats.sem(nats) / math.log(2))
    perplexity = made(create("word_perplexity"), np.column_stack([-nats, np.ones(40)]))
    assert np.log(ends(perplexity)) == pytest.approx((low, high))
    assert (perplexity.method, found.method) == ("t(log ratio)", "t(log ratio)")


def test_the_jackknife_is_the_one_by_hand() -> None:
    rows = translations(np.random.default_rng(1), 12, 0.4)
    metric = Bleu()
    found = made(metric, rows)
    without = np.array([float(metric.aggregate(np.delete(rows, i, axis=0).sum(axis=0))) for i in range(12)])
    assert found.stderr == pytest.approx(math.sqrt(11 / 12 * np.square(without - without.mean()).sum()))
    low, high = ends(found)
    assert found.method == "jackknife(samples), logit"
    assert 0 < low < float(metric.aggregate(rows.sum(axis=0))) < high < 100


@pytest.mark.parametrize("number", [5, 10, 30, 200])
def test_perplexities_are_covered(number: int) -> None:
    rng = np.random.default_rng(3)
    hits = []
    for _ in range(250):
        words = np.maximum(20, rng.lognormal(6, 0.8, number)).round()
        low, high = ends(
            made(create("word_perplexity"), np.column_stack([-words * rng.gamma(20, 3 / 20, number), words]))
        )
        hits.append(low <= math.exp(3) <= high)
    assert np.mean(hits) > 0.9


@pytest.mark.parametrize(("number", "quality"), [(5, 0.4), (5, 0.8), (10, 0.4), (30, 0.4)])
def test_bleu_is_covered(number: int, quality: float) -> None:
    rng = np.random.default_rng(4)
    metric = Bleu()
    truth = float(metric.aggregate(translations(rng, 400_000, quality).sum(axis=0)))
    hits = [
        low <= truth <= high
        for low, high in (ends(made(metric, translations(rng, number, quality))) for _ in range(300))
    ]
    assert np.mean(hits) > 0.9


@pytest.mark.parametrize(("known", "share"), [(0.5, 0.02), (0.2, 0.1), (0.1, 0.5)])
def test_rare_ratios_are_covered(known: float, share: float) -> None:
    """The percentiles of a bootstrap held 20 to 91 % of them."""
    rng = np.random.default_rng(5)
    metric: Any = create("cbbq_bias_disambig")
    hits = []
    for _ in range(250):
        there = (rng.random(60) < known).astype(float)
        found = made(metric, np.column_stack([there * (rng.random(60) < share), there]))
        if found.method == "none (one sample)":
            continue
        assert found.method.startswith("wilson(effective, ratio"), found.method
        low, high = ends(found)
        assert low < high
        hits.append(low <= share <= high)
    assert np.mean(hits) > 0.93


@pytest.mark.parametrize("heavy", [2.0, 9.0])
def test_ratios_whose_weights_go_with_their_values_are_covered(heavy: float) -> None:
    """Hits weigh as much as so many misses (twice in an F1): the variance is larger than that of any share of independent trials,
    which was the most that was allowed for (86 to 93 % held)."""
    rng = np.random.default_rng(6)
    metric: Any = create("cbbq_bias_disambig")
    truth = 0.1 * heavy / (0.1 * heavy + 0.9)
    hits = []
    for _ in range(300):
        hit = rng.random(150) < 0.1
        found = made(metric, np.column_stack([heavy * hit, np.where(hit, heavy, 1.0)]))
        assert found.method == "wilson(effective, ratio)"
        low, high = ends(found)
        hits.append(low <= truth <= high)
    assert np.mean(hits) > 0.93


def test_the_scale_of_the_weights_plays_no_part() -> None:
    rng = np.random.default_rng(7)
    metric: Any = create("cbbq_bias_disambig")
    weight = rng.integers(1, 5, 60).astype(float)
    rows = np.column_stack([weight * (rng.random(60) < 0.1), weight])
    assert ends(made(metric, 1000 * rows)) == pytest.approx(ends(made(metric, rows)))


def test_a_score_of_0_is_not_certain() -> None:
    rows = translations(np.random.default_rng(0), 20, 0.4)
    rows[:, 2:6] = 0
    found = made(Bleu(), rows)
    assert (found.value, found.low, found.method) == (0.0, 0.0, "wilson(0 of 20 samples)")
    assert 16 < ends(found)[1] < 25
    rows[3, 2:6] = [1, 0, 0, 0]
    once = made(Bleu(), rows)
    assert (once.low, once.method) == (0.0, "wilson(1 of 20 samples)")
    assert ends(once)[1] > ends(found)[1]
    chrf = made(Chrf(), np.tile([20.0, 20.0, 20.0], (30, 6)))
    assert chrf.value == chrf.high == pytest.approx(100)
    assert ends(chrf)[0] < 90


def test_rouge_of_0_is_not_certain() -> None:
    assert ends(made(create("rouge1"), np.array([[0.0, 1.0]] * 3)))[1] > 40


def test_where_there_is_no_honest_interval_there_is_none() -> None:
    rng = np.random.default_rng(0)
    few = translations(rng, 4, 0.4)
    assert (made(Bleu(), few).low, made(Bleu(), few).method) == (None, "none (only 4 samples)")
    names = ["a", "a", "b", "c", "d", "a"]
    assert made(Bleu(), translations(rng, 6, 0.4), names).method == "none (only 4 clusters)"
    large = ["a"] * 20 + list("bcdefg")
    assert made(Bleu(), translations(rng, 26, 0.4), large).method.startswith("none (one cluster holds 77 %")
    alike = np.array([[-30.0, 10.0]] * 12)
    assert made(create("word_perplexity"), alike).method == "none (no spread between the samples)"


def test_ten_thousand_samples_take_a_moment() -> None:
    rows = translations(np.random.default_rng(0), 10_000, 0.4)
    started = perf_counter()
    made(Bleu(), rows)
    assert perf_counter() - started < 1


def test_a_corpus_number_without_spread_has_no_interval() -> None:
    found = estimate_corpus(lambda kept: 1.0, [None] * 30, missing=0, seed=0)
    assert (found.value, found.low, found.method) == (1.0, None, "none (no spread between the samples)")
    bounded = estimate_corpus(lambda kept: 0.0, [None] * 30, missing=0, seed=0, span=(0.0, 100.0))
    assert bounded.method == "wilson(0 of 30 samples)"


def test_a_corpus_numbers_groups_hold_whole_clusters() -> None:
    sizes = np.random.default_rng(0).integers(1, 30, 60)
    names = [str(i) for i, size in enumerate(sizes) for _ in range(size)]
    values = np.random.default_rng(1).random(len(names))
    seen: list[set[str]] = []

    def compute(kept: Sequence[int]) -> float:
        seen.append({names[i] for i in kept})
        return float(values[list(kept)].mean())

    found = estimate_corpus(compute, names, missing=0, seed=0)
    assert found.method == "jackknife(20 groups)"
    assert len(seen) == 21
    assert sum(60 - len(kept) for kept in seen[1:]) == 60, "each cluster is left out once, whole"
    assert found.stderr == pytest.approx(scipy_stats.sem(values), rel=0.5)


def test_edits_per_word_are_no_share() -> None:
    """TER may lie above 100, so that Wilson's interval has nothing to say of it."""
    rows = np.tile([20.0, 20.0], (12, 1))
    rows[:4, 0] = [0, 5, 30, 18]
    found = made(create("ter"), rows)
    assert found.method == "t(ratio)"
    low, high = ends(found)
    assert 0 <= low < 100 * rows[:, 0].sum() / 240 < high < 150
    error = scipy_stats.sem(5 * rows[:, 0]) * scipy_stats.t.ppf(0.975, 11)
    # Four of twelve differ: the variance is seen to rest on fewer degrees of freedom than eleven; and rates of 0 or more are skewed.
    assert 1.3 * error < high - (found.value or 0) < 1.7 * error
    assert made(create("ter"), rows[2:]).method == "none (only 2 of 10 samples differ from the rest)"
    assert made(create("ter"), rows[4:]).method == "none (no spread between the samples)"


def test_a_score_that_rounding_put_above_its_range_is_at_its_end() -> None:
    found = estimate_corpus(lambda kept: 100 + 4e-14, [None] * 30, missing=0, seed=0, span=(0.0, 100.0))
    assert (found.value, found.high, found.method) == (100.0, 100.0, "wilson(0 of 30 samples)")
