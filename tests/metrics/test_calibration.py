"""Calibration: formula identities, ties, and simulators whose calibration is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mirrored_tasks import row, samples_of

from lsm_eval.errors import UserError
from lsm_eval.metrics.base import CorpusMetric
from lsm_eval.metrics.calibration import Brier, ece
from lsm_eval.metrics.choice import Accuracy
from lsm_eval.metrics.confidence import softmax
from lsm_eval.metrics.selective import Aurc, ConfidenceAuroc
from lsm_eval.requests import Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.auroc import auroc
from lsm_eval.statistics.calibrated import plug_in
from lsm_eval.tasks.sample import Sample

REQUEST = Score("q", (" a", " b"))


def sample(right: int = 0, choices: int = 2, name: str = "s", cluster: str | None = None) -> Sample:
    return Sample(name, REQUEST, (right,), tuple("abcdefgh"[:choices]), cluster)


def answer(*probabilities: float) -> Scored:
    logs = tuple(math.log(p) if p else -math.inf for p in probabilities)
    return Scored(logs, (1,) * len(logs), (False,) * len(logs))


def simulated(
    number: int, seed: int, truth: Any = lambda p: p, *, at: float | None = None
) -> tuple[list[Sample], list[Scored]]:
    """Two choices; the first has probability p of one half to one, and is right with probability truth(p)."""
    rng = np.random.default_rng(seed)
    confidences = np.full(number, at) if at else rng.uniform(0.5, 1, number)
    right = rng.random(number) < np.vectorize(truth)(confidences)
    return (
        [sample(0 if r else 1, name=str(i)) for i, r in enumerate(right)],
        [answer(p, 1 - p) for p in confidences],
    )


def value(metric: Any, samples: list[Sample], answers: list[Scored]) -> float:
    if isinstance(metric, CorpusMetric):
        return metric.compute(samples, answers)
    rows = [metric.measure(s, a).statistics for s, a in zip(samples, answers, strict=True)]
    if hasattr(metric, "binned"):
        return plug_in(metric.binned(np.array(rows)))
    return float(metric.aggregate(np.array(rows).sum(axis=0)))


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_ece_of_a_calibrated_simulator_goes_to_zero(binning: Any) -> None:
    few, more, many = (
        np.mean([value(ece(binning=binning), *simulated(n, seed)) for seed in range(3)])
        for n in (100, 1000, 10_000)
    )
    assert few > 2 * more > 4 * many
    assert many < 0.015


@pytest.mark.parametrize("binning", ["width", "mass"])
@pytest.mark.parametrize("bins", [1, 15])
def test_ece_of_a_constant_confidence_is_its_distance_from_accuracy(binning: Any, bins: int) -> None:
    samples, answers = simulated(400, 1, lambda p: 0.6, at=0.95)
    accuracy = value(Accuracy(), samples, answers)
    assert value(ece(bins=bins, binning=binning), samples, answers) == pytest.approx(0.95 - accuracy)
    assert 0.5 < accuracy < 0.7


def test_ece_by_hand() -> None:
    # Bins of width 1/2: (0, .5] holds nothing here; (.5, 1] holds .9 right, .7 wrong.
    samples, answers = [sample(0), sample(1)], [answer(0.9, 0.1), answer(0.7, 0.3)]
    assert value(ece(bins=2), samples, answers) == pytest.approx(abs(1.6 - 1) / 2)
    # Five bins put them apart: (.1 + .7) / 2.
    assert value(ece(bins=5), samples, answers) == pytest.approx(0.4)
    assert value(ece(bins=2, binning="mass"), samples, answers) == pytest.approx(0.4)
    assert value(ece(bins=1, binning="mass"), samples, answers) == pytest.approx(0.3)


def test_bins_are_closed_on_the_right() -> None:
    samples, answers = [sample(0), sample(1)], [answer(0.5, 0.25, 0.25), answer(0.26, 0.37, 0.37)]
    # .5 belongs to (0, .5], where .37 is: one bin, not two. The tie of the second is half right.
    metric: Any = ece(bins=2)
    assert value(metric, samples, answers) == pytest.approx(abs(0.87 - 1.5) / 2)
    assert metric.measure(samples[1], answers[1]).tie


def test_order_of_samples_and_choices_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    # Few distinct confidences, so that nearly all samples are tied with others.
    samples = [sample(int(right), name=str(i)) for i, right in enumerate(rng.integers(0, 2, 300))]
    answers = [answer(*[(0.6, 0.4), (0.7, 0.3), (0.2, 0.8)][i]) for i in rng.integers(0, 3, 300)]
    order = rng.permutation(300)
    flipped = [
        sample(1 - int(s.target[0]), name=s.id) for s in samples
    ], [Scored(a.logprobs[::-1], a.tokens, a.greedy) for a in answers]  # fmt: skip
    for metric in (ece(), ece(binning="mass", bins=7), Brier(), ConfidenceAuroc(), Aurc(), Aurc(excess=True)):
        first = value(metric, samples, answers)
        assert first == pytest.approx(value(metric, [samples[i] for i in order], [answers[i] for i in order]))
        assert first == pytest.approx(value(metric, *flipped))


def test_no_view_is_calibrated_and_says_nothing() -> None:
    samples = [sample(i % 4, 4, str(i)) for i in range(10)]
    answers = [answer(0.25, 0.25, 0.25, 0.25)] * 10
    assert value(ece(), samples, answers) == 0
    assert value(Brier(), samples, answers) == pytest.approx(0.75)
    assert value(ConfidenceAuroc(), samples, answers) == 0.5
    assert value(Aurc(), samples, answers) == 0.75


def test_brier() -> None:
    assert value(Brier(), [sample(1, 3)], [answer(0.7, 0.2, 0.1)]) == pytest.approx(0.49 + 0.64 + 0.01)
    assert value(Brier(form="top"), [sample(1, 3)], [answer(0.7, 0.2, 0.1)]) == pytest.approx(0.49)
    assert value(Brier(form="top"), [sample(0, 3)], [answer(0.7, 0.2, 0.1)]) == pytest.approx(0.09)
    # Of two tied choices each may be the one taken: the mean of (1 - .5)² and .5².
    assert value(Brier(form="top"), [sample(0)], [answer(0.5, 0.5)]) == pytest.approx(0.25)
    assert value(Brier(), [sample(1)], [answer(1, 0)]) == 2
    assert value(Brier(), [sample(0)], [answer(1, 0)]) == 0


def test_auroc_counts_ties_one_half_and_agrees_with_the_one_for_labels() -> None:
    samples = [sample(0), sample(1), sample(0), sample(1)]
    answers = [answer(0.9, 0.1), answer(0.8, 0.2), answer(0.8, 0.2), answer(0.6, 0.4)]
    # Pairs of a right and a wrong one: 1, 1, 1/2, 1.
    assert value(ConfidenceAuroc(), samples, answers) == 3.5 / 4
    samples, answers = simulated(500, 5)
    labels = [s.target[0] == 0 for s in samples]
    expected = auroc([a.logprobs[0] for a in answers], labels)
    assert value(ConfidenceAuroc(), samples, answers) == pytest.approx(expected, abs=1e-12)
    assert math.isnan(value(ConfidenceAuroc(), samples[:1], answers[:1]))


def test_confidence_that_rounds_to_one_is_still_ranked() -> None:
    # The probability of each best choice is 1.0 as a float; the log-odds are 60, 50 and 40.
    samples = [sample(0), sample(0), sample(1)]
    answers = [Scored((-1.0, -1.0 - gap), (1, 1), (False, False)) for gap in (60.0, 50.0, 40.0)]
    assert [float(softmax(a.logprobs).max()) for a in answers] == [1.0] * 3
    assert value(ConfidenceAuroc(), samples, answers) == 1.0
    assert value(Aurc(), samples, answers) == pytest.approx((0 + 0 + 1 / 3) / 3)


def test_aurc_by_hand() -> None:
    samples = [sample(0), sample(1), sample(0)]
    answers = [answer(0.9, 0.1), answer(0.8, 0.2), answer(0.6, 0.4)]
    # Risks at coverage 1/3, 2/3, 1: 0, 1/2, 1/3; the best order of one error would have 0, 0, 1/3.
    assert value(Aurc(), samples, answers) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)
    assert value(Aurc(excess=True), samples, answers) == pytest.approx((1 / 2) / 3)
    worst = value(Aurc(), samples, [answer(0.6, 0.4), answer(0.9, 0.1), answer(0.8, 0.2)])
    assert worst == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_aurc_of_tied_confidence_is_the_mean_over_all_orders() -> None:
    rng = np.random.default_rng(0)
    samples = [sample(int(right), name=str(i)) for i, right in enumerate(rng.integers(0, 2, 30))]
    tied = value(Aurc(), samples, [answer(0.7, 0.3)] * 30)
    spread = [answer(0.7 + step / 1000, 0.3 - step / 1000) for step in range(30)]
    drawn = [value(Aurc(), [samples[i] for i in rng.permutation(30)], spread) for _ in range(400)]
    assert tied == pytest.approx(1 - value(Accuracy(), samples, [answer(0.7, 0.3)] * 30))
    assert np.mean(drawn) == pytest.approx(tied, abs=4 * float(np.std(drawn)) / math.sqrt(400))


@pytest.mark.parametrize(
    ("normalise", "expected"),
    [("none", [-2.0, -3.0]), ("characters", [-2.0, -1.0]), ("bytes", [-2.0, -0.5]), ("tokens", [-1.0, -3.0])],
)
def test_normalisation(normalise: Any, expected: list[float]) -> None:
    item = Sample("s", Score("q", (" a", " ééé")), (0,), ("a", "ééé"))
    scored = Scored((-2.0, -3.0), (2, 1), (False, False))
    p = softmax(expected)
    metric = Brier(normalise=normalise)
    assert value(metric, [item], [scored]) == pytest.approx((p[0] - 1) ** 2 + p[1] ** 2)
    assert f"norm:{normalise}" in metric.signature


def test_nothing_possible_and_nan() -> None:
    assert softmax([-math.inf, -math.inf]).tolist() == [0.5, 0.5]
    assert softmax([math.nan, -3.0]).tolist() == [0.0, 1.0]
    hopeless = Scored((-math.inf, -math.inf), (1, 1), (False, False))
    assert value(Brier(), [sample()], [hopeless]) == 0.5
    assert value(ece(), [sample()], [hopeless]) == 0


def test_several_right_choices_are_refused() -> None:
    item = Sample("s", REQUEST, (0, 1), ("a", "b"))
    for metric in (ece(), ece(binning="mass"), Brier(), ConfidenceAuroc(), Aurc()):
        with pytest.raises(UserError, match="one right choice"):
            value(metric, [item], [answer(0.5, 0.5)])
    with pytest.raises(UserError, match="at least 1"):
        ece(bins=0)


def test_the_interval_of_ece_holds_its_value_and_mostly_the_truth() -> None:
    held, method = 0, ""
    for seed in range(40):
        samples, answers = simulated(200, seed, lambda p: 0.6, at=0.9)
        ((_, found),), _ = score_task([ece()], samples, answers, seed=seed)
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
        held, method = held + (found.low <= 0.3 <= found.high), found.method
    assert held >= 34
    assert method == "calibrated null(2000 draws, p 0.0005)"
    # A calibrated model's error is not told from 0, as plain percentiles of a biased figure would have it.
    ((_, found),), _ = score_task([ece()], *simulated(200, 1), seed=0)
    assert found.low == 0


@pytest.mark.parametrize("binning", ["width", "mass"])
@pytest.mark.parametrize("truth", [0.0, 0.05, 0.15])
def test_the_interval_of_ece_covers_whatever_the_error(binning: Any, truth: float) -> None:
    """Of 100 samples, where percentiles of a bootstrap held a truth of 0 or .05 in none of them (equal mass)."""
    held, values = 0, []
    for seed in range(25):
        samples, answers = simulated(100, seed, lambda p: p - truth)
        ((_, found),), _ = score_task([ece(binning=binning)], samples, answers, seed=seed)
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.value <= found.high
        held += found.low <= truth <= found.high
        values.append(found.value)
    assert held >= 22
    assert np.mean(values) == pytest.approx(truth, abs=0.035)


def test_the_value_as_papers_print_it() -> None:
    samples, answers = simulated(100, 0)
    found = score_task(
        [ece(binning="mass"), ece(binning="mass", debias=False, name="plain")], samples, answers, seed=0
    )[0]
    (debiased, plain) = (estimate for _, estimate in found)
    assert plain.value == pytest.approx(value(ece(binning="mass"), samples, answers))
    assert debiased.value is not None
    assert debiased.high is not None
    assert plain.value is not None
    assert debiased.value < plain.value < 0.2
    # The interval is of the true error, which is 0; it is stretched to hold the value, and no further.
    assert (plain.low, debiased.low) == (0, 0)
    assert plain.high == max(plain.value, debiased.high)
    assert "value:plug-in" in found[1][0].signature
    assert "value:debiased" in found[0][0].signature


def test_few_clusters_bear_no_interval_of_ece() -> None:
    samples, answers = simulated(40, 0)
    own = [sample(int(s.target[0]), name=s.id, cluster=str(i % 4)) for i, s in enumerate(samples)]
    ((_, found),), _ = score_task([ece()], own, answers, seed=0)
    assert (found.low, found.high, found.method) == (None, None, "none (only 4 clusters)")
    ((_, found),), _ = score_task([ece()], samples[:1], answers[:1], seed=0)
    assert found.method == "none (one sample)"


def test_clusters_widen_the_interval_of_ece() -> None:
    samples, answers = simulated(300, 2, lambda p: 0.6, at=0.9)
    doubled = [sample(int(s.target[0]), name=f"{s.id}-{k}", cluster=s.id) for s in samples for k in range(4)]
    four = [a for a in answers for _ in range(4)]
    spans = []
    for own, replies in ((samples, answers), (doubled, four)):
        ((_, found),), _ = score_task([ece()], own, replies, seed=0)
        assert found.low is not None
        assert found.high is not None
        spans.append(found.high - found.low)
    assert spans[1] == pytest.approx(spans[0], rel=0.15)


@pytest.mark.parametrize("model", ["first", "uniform"])
def test_a_row_without_likelihoods_is_neither_calibrated_nor_overconfident(
    model: str, hub_mirror: Path
) -> None:
    found = row("arc_challenge", model, samples_of("arc_challenge", hub_mirror, limit=50))
    assert found["acc"].value is not None
    assert found["ece"].value is found["brier"].value is None
