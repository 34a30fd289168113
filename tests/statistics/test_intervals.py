"""Intervals: against scipy, against simulation, and against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from lsm_eval.benchmarks.privacy.system_prompt_extraction.code import PromptContainment
from lsm_eval.metrics.base import FloatArray
from lsm_eval.requests import Generate, Generated, Response
from lsm_eval.scoring.registry import create
from lsm_eval.statistics.basis import cluster_numbers
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.intervals import clopper_pearson, estimate, estimate_corpus, wilson
from lsm_eval.tasks.sample import Sample


def of(
    name: str, values: Sequence[float] | FloatArray, clusters: Sequence[str | None] | None = None
) -> Estimate:
    """The estimate of a mean's values."""
    stats = np.column_stack([np.asarray(values, float), np.ones(len(values))])
    return made(name, stats, clusters)


def corpus(metric: Any, samples: Sequence[Sample], answers: Sequence[Any], *, missing: int) -> Estimate:
    """The estimate of a corpus metric over these samples and answers."""

    def compute(kept: Sequence[int]) -> float:
        value: float = metric.compute([samples[i] for i in kept], [answers[i] for i in kept])
        return value

    return estimate_corpus(compute, [sample.cluster for sample in samples], missing=missing, seed=0)


def made(
    name: str, stats: FloatArray, clusters: Sequence[str | None] | None = None, seed: int = 0
) -> Estimate:
    metric: Any = create(name)
    return estimate(metric, stats, clusters or [None] * len(stats), missing=2, ties=1, seed=seed)


def bounds(found: Estimate) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def width(found: Estimate) -> float:
    low, high = bounds(found)
    return high - low


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 5), (1, 7), (50, 100), (99, 100), (100, 100), (3, 1000)]
)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_wilson_is_scipys(successes: int, trials: int, level: float) -> None:
    theirs = scipy_stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    assert wilson(successes, trials, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_proportion_of_samples_that_stand_alone_gets_wilson() -> None:
    found = of("acc", [1] * 30 + [0] * 10)
    assert found.method == "wilson"
    assert (found.n, found.missing, found.ties, found.clusters) == (40, 2, 1, None)
    # No end is inside the exact interval of 93.5 %.
    low, high = wilson(30, 40, 0.95)
    least, most = clopper_pearson(30, 40, 0.935)
    assert bounds(found) == pytest.approx((min(low, least), max(high, most)), abs=1e-12)
    assert bounds(found) == pytest.approx((low, high), abs=0.02)
    # Distinct clusters of one are no clusters.
    assert of("acc", [1] * 30 + [0] * 10, [str(i) for i in range(40)]) == found


def test_no_hit_still_has_an_upper_bound() -> None:
    assert bounds(of("leak_rate", [0] * 100)) == pytest.approx((0.0, 0.037), abs=5e-4)


def test_a_fraction_from_a_tie_is_no_longer_0_or_1() -> None:
    values = [1.0] * 20 + [0.0] * 10 + [0.5]
    found = of("acc", values)
    assert found.method == "wilson(effective)"
    assert found.stderr == pytest.approx(scipy_stats.sem(values))
    # Nearly as if the tie were a hit or none.
    assert bounds(found) == pytest.approx(wilson(20.5, 31, 0.95), abs=0.01)


def test_few_samples_get_an_exact_interval() -> None:
    found = of("acc", [1.0, 1.0, 0.0])
    theirs = scipy_stats.binomtest(2, 3).proportion_ci(0.95, method="exact")
    assert found.method == "clopper-pearson"
    assert bounds(found) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_mean_is_cut_to_its_units_range() -> None:
    assert bounds(of("truthfulqa_mc2", [0.99, 1.0, 0.6]))[1] <= 1.0
    assert bounds(of("rouge1", [1.0, 0.0, 40.0]))[0] >= 0.0
    assert (
        bounds(of("likelihood_difference", [1.0, 0.0, 40.0] * 4))[0]
        < bounds(of("rouge1", [1.0, 0.0, 40.0] * 4))[0]
    )


def test_duplicated_rows_as_clusters_leave_the_interval_where_it_was() -> None:
    values = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.25]
    once = of("acc", values)
    clustered = of("acc", values * 5, [str(i) for i in range(8)] * 5)
    naive = of("acc", values * 5)
    assert bounds(clustered) == pytest.approx(bounds(once), abs=0.05)
    assert (clustered.method, clustered.clusters, clustered.n) == ("wilson(effective, clusters)", 8, 40)
    assert width(naive) < 0.5 * width(clustered)


def simulated(rng: np.random.Generator) -> tuple[NDArray[np.float64], list[str | None]]:
    """40 clusters of 3 to 12 answers around a share of their own; 0.6 on the whole."""
    sizes = rng.integers(3, 13, 40)
    shares = rng.beta(1.5, 1.0, 40)
    values = np.concatenate([rng.random(size) < share for size, share in zip(sizes, shares, strict=True)])
    return values.astype(float), [str(i) for i, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.slow
def test_clustered_intervals_cover_and_others_do_not() -> None:
    rng = np.random.default_rng(7)
    clustered, naive = 0, 0
    for _ in range(300):
        values, clusters = simulated(rng)
        low, high = bounds(of("acc", values, clusters))
        clustered += low <= 0.6 <= high
        low, high = bounds(of("acc", values))
        naive += low <= 0.6 <= high
    assert 0.91 < clustered / 300 < 0.99
    assert naive / 300 < 0.8


def test_a_ratio_draws_nothing_and_keeps_clusters_whole() -> None:
    rng = np.random.default_rng(0)
    one = np.column_stack([-rng.gamma(3.0, 10.0, 30), np.full(30, 10.0)])
    alone = made("bits_per_byte", one)
    assert alone.method == "t(log ratio)"
    assert alone == made("bits_per_byte", one, seed=6)
    names = [str(i) for i in range(30)] * 10
    repeated = np.tile(one, (10, 1))
    clustered = made("bits_per_byte", repeated, names)
    assert (clustered.method, clustered.clusters) == ("t(log ratio, clusters)", 30)
    assert width(clustered) == pytest.approx(width(alone))
    assert width(made("bits_per_byte", repeated)) < 0.5 * width(clustered)


@pytest.mark.parametrize(
    ("values", "clusters", "value", "method"),
    [
        ([], [], None, "none (no samples)"),
        ([1.0], [None], 1.0, "none (one sample)"),
        ([1.0, 0.0], ["a", "a"], 0.5, "none (one cluster)"),
    ],
)
def test_where_there_is_no_interval_the_method_says_why(
    values: list[float], clusters: list[str | None], value: float | None, method: str
) -> None:
    found = made("acc", np.array([[v, 1.0] for v in values]).reshape(-1, 2), clusters)
    assert (found.value, found.low, found.high, found.stderr, found.method) == (
        value,
        None,
        None,
        None,
        method,
    )


def test_infinite_values_are_not_given() -> None:
    found = made("target_perplexity", np.array([[-math.inf, 1.0], [-1.0, 1.0]]))
    assert (found.value, found.low, found.method) == (None, None, "none (infinite)")


def test_agreeing_clusters_are_not_certain() -> None:
    found = of("leak_rate", [0.0] * 40, [str(i % 8) for i in range(40)])
    assert found.method == "wilson(effective, clusters)"
    # As of eight trials, with Student's t for so few.
    assert bounds(found)[1] == pytest.approx(0.41, abs=0.01)
    assert bounds(found)[1] > wilson(0, 8, 0.95)[1]


def test_a_sample_without_cluster_is_its_own() -> None:
    numbers, count = cluster_numbers([None, "a", None, "a", "b"])
    assert (list(numbers), count) == ([0, 1, 2, 1, 3], 4)


class Shares:
    """A corpus metric that is a plain mean, so that its interval is known."""

    name = "shares"
    unit = "fraction"
    higher_is_better = True
    signature = "shares"

    def __init__(self) -> None:
        self.calls = 0

    def compute(self, samples: Sequence[Sample], answers: Sequence[Response]) -> float:
        self.calls += 1
        return float(np.mean([answer.text == "1" for answer in answers]))  # type: ignore[union-attr]


@pytest.mark.parametrize(("number", "calls"), [(100, 101), (400, 21)])
def test_a_corpus_metric_has_an_interval_of_bounded_cost(number: int, calls: int) -> None:
    draws = np.random.default_rng(1).random(number) < 0.5
    samples = [Sample(str(i), Generate("p")) for i in range(number)]
    answers = [Generated(str(int(draw)), 1, "stop") for draw in draws]
    metric: Any = Shares()
    found = corpus(metric, samples, answers, missing=1)
    assert metric.calls == calls
    assert found.stderr == pytest.approx(0.5 / math.sqrt(number), rel=0.3)
    assert bounds(found)[0] < draws.mean() < bounds(found)[1]
    assert found == corpus(metric, samples, answers, missing=1)
    assert (found.n, found.missing) == (number, 1)


def test_a_corpus_metric_keeps_clusters_together() -> None:
    draws = np.random.default_rng(1).random(50) < 0.5
    for repeats in (3, 6):
        samples = [Sample(str(i), Generate("p"), cluster=str(i % 50)) for i in range(50 * repeats)]
        answers = [Generated(str(int(draw)), 1, "stop") for _ in range(repeats) for draw in draws]
        metric: Any = Shares()
        found = corpus(metric, samples, answers, missing=0)
        assert found.clusters == 50
        assert found.stderr == pytest.approx(0.5 / math.sqrt(50), rel=0.35)


def test_a_mean_of_fractions_that_are_all_0_is_not_certainty() -> None:
    zeros = np.array([[0.0, 1.0]] * 20)
    found = estimate(PromptContainment(), zeros, [None] * 20, missing=0, ties=0, seed=0)
    assert found.value == found.low == 0
    # Somewhat above the 0.161 of twenty yes-or-no answers: t for z.
    assert found.high == pytest.approx(0.18, abs=0.001)
