"""Samples of unequal weight: the number is that of the samples written out, and a metric that cannot weigh has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lsm_eval.benchmarks.bias.bbq.code import AlignmentCost, BiasAmbiguous, BiasDisambiguated
from lsm_eval.benchmarks.bias.cbbq.code import CbbqTotal
from lsm_eval.benchmarks.bias.occupation_gender.code import Gap
from lsm_eval.benchmarks.bias.wino.agreement import Agreement
from lsm_eval.benchmarks.hallucination.halueval.code import HaluEvalPrecision
from lsm_eval.benchmarks.privacy.membership_demo.code import MembershipAuroc
from lsm_eval.benchmarks.privacy.pii_leak.code import LeakProtection
from lsm_eval.benchmarks.safety.bipia.code import InjectionEffect
from lsm_eval.composed.classes import MacroF1
from lsm_eval.composed.grouped import grouped
from lsm_eval.metrics.base import FloatArray
from lsm_eval.metrics.calibration import ece
from lsm_eval.metrics.choice import Accuracy
from lsm_eval.metrics.extraction import Verbatim
from lsm_eval.metrics.grounded import UngroundedRate
from lsm_eval.metrics.judged import JudgedHarmful
from lsm_eval.metrics.selective import Aurc, ConfidenceAuroc
from lsm_eval.metrics.weights import UNWEIGHTED, relative_weights, weighs
from lsm_eval.requests import Likelihood, Perplexity, Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.auroc_interval import auroc_estimate
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample


def scored_by(metric: object, weights: list[float]) -> Estimate:
    samples = [
        Sample(str(at), Score("q", (" a", " b")), (0,), ("a", "b"), cluster=f"c{at // 2}", weight=weight)
        for at, weight in enumerate(weights)
    ]
    right = [at % 3 > 0 for at in range(len(weights))]
    answers = [Scored((-1.0, -2.0) if own else (-2.0, -1.0), (1, 1), (True, False)) for own in right]
    ((_, made),), _ = score_task([metric], samples, answers, seed=0)  # type: ignore[list-item]
    return made


def test_weights_count_as_often_as_they_say() -> None:
    weights = [1.0, 1.0, 5.0, 5.0, 2.0, 2.0] * 4
    made = scored_by(Accuracy(), weights)
    right = np.array([at % 3 > 0 for at in range(24)])
    assert made.value == pytest.approx(np.average(right, weights=weights))
    assert made.n == 24
    assert made.method == "wilson(effective, clusters)"


def test_the_standard_error_is_cr2_of_weighted_clusters() -> None:
    sm = pytest.importorskip("statsmodels.api")
    weights = np.repeat([1.0, 5.0, 2.0, 3.0, 1.0, 4.0] * 2, 2)
    made = scored_by(Accuracy(), list(weights))
    right = np.array([at % 3 > 0 for at in range(24)], float)
    fit = sm.WLS(right, np.ones(24), weights=weights).fit()
    assert made.value == pytest.approx(fit.params[0])
    groups = np.arange(24) // 2
    # CR2 of a weighted mean by hand: residual sums of clusters, each over the root of 1 - its share.
    total = weights.sum()
    variance = sum(
        (weights[groups == g] * (right[groups == g] - made.value)).sum() ** 2
        / (1 - weights[groups == g].sum() / total)
        for g in range(12)
    )
    assert made.stderr == pytest.approx(np.sqrt(variance) / total)
    robust = fit.get_robustcov_results("cluster", groups=groups, use_correction=False)
    assert made.stderr == pytest.approx(robust.bse[0], rel=0.1)
    assert made.stderr > robust.bse[0]


def test_equal_weights_change_nothing() -> None:
    assert scored_by(Accuracy(), [3.0] * 24) == scored_by(Accuracy(), [1.0] * 24)
    sample = Sample("0", Score("q", (" a",)))
    assert relative_weights([sample, replace(sample, weight=1.0)]) is None


def test_weights_sum_to_the_samples_that_they_are_worth() -> None:
    sample = Sample("0", Score("q", (" a",)))
    found = relative_weights([replace(sample, weight=weight) for weight in (1.0, 1.0, 2.0)])
    assert found is not None
    assert found.sum() == pytest.approx(16 / 6)
    assert found[2] == pytest.approx(2 * found[0])


def test_an_auroc_weighs() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    scores, positive = rng.standard_normal(80).round(1), rng.integers(0, 2, 80).astype(float)
    weights = rng.integers(1, 6, 80).astype(float)
    made = auroc_estimate(scores, positive, [None] * 80, missing=0, weights=weights)
    assert made.value == pytest.approx(metrics.roc_auc_score(positive, scores, sample_weight=weights))
    assert made == auroc_estimate(scores, positive, [None] * 80, missing=0, weights=2 * weights)
    plain = auroc_estimate(scores, positive, [None] * 80, missing=0)
    assert plain == auroc_estimate(scores, positive, [None] * 80, missing=0, weights=np.ones(80))
    assert made.low is not None
    assert made.high is not None
    assert plain.low is not None
    assert plain.high is not None
    assert made.high - made.low > plain.high - plain.low
    assert scored_by(ConfidenceAuroc(), [1.0, 5.0] * 12).low is not None


def test_what_cannot_weigh_has_no_value() -> None:
    made = scored_by(Agreement(), [1.0, 5.0] * 12)
    assert (made.value, made.low, made.method, made.n) == (None, None, UNWEIGHTED, 24)


def test_an_order_of_samples_weighs() -> None:
    made, plain = scored_by(Aurc(), [1.0, 5.0] * 12), scored_by(Aurc(), [1.0] * 24)
    assert made.low is not None
    assert made.value != plain.value


def test_a_macro_f1_and_its_rows_weigh() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    weights = np.tile([1.0, 3.0, 2.0, 1.0], 15)
    true, said = np.arange(60) // 2 % 2, np.arange(60) % 3 % 2
    samples = [
        Sample(str(at), Score("q", (" a", " b")), (int(own),), ("a", "b"), weight=float(weight))
        for at, (own, weight) in enumerate(zip(true, weights, strict=True))
    ]
    answers = [Scored((-1.0 - at, -2.0 + at), (1, 1), (True, False)) for at in said]
    found = {metric.name: made for metric, made in score_task([MacroF1()], samples, answers, seed=0)[0]}
    wanted = metrics.precision_recall_fscore_support(true, said, sample_weight=weights)
    for row, both in zip(("precision", "recall", "f1"), wanted, strict=False):
        for label, value in zip("ab", both, strict=True):
            made = found[f"macro_f1.{row}[{label}]"]
            assert made.value == pytest.approx(value)
            assert made.low is not None
    assert found["macro_f1"].value == pytest.approx(wanted[2].mean())
    # How many there are, whatever each stands for.
    assert found["macro_f1.support[a]"].value == 30


def test_a_membership_attack_weighs_alone_and_by_group() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    member, weights = np.arange(80) % 2, rng.choice([1.0, 4.0], 80)
    answers = [Likelihood(float(-9 + 2 * m + rng.standard_normal()), 3) for m in member]
    samples = [
        Sample(str(at), Perplexity(f"text {at}"), metadata={"member": bool(m), "half": at // 40}, weight=w)
        for at, (m, w) in enumerate(zip(member, weights, strict=True))
    ]
    attack = grouped(MembershipAuroc(), "half")
    found = {metric.name: made for metric, made in score_task([attack], samples, answers, seed=0)[0]}
    scores = [answer.logprob for answer in answers]
    for name, own in (("", slice(80)), ("[0]", slice(40)), ("[1]", slice(40, 80))):
        made = found[f"membership_auroc{name}"]
        wanted = metrics.roc_auc_score(member[own], scores[own], sample_weight=weights[own])
        assert made.value == pytest.approx(wanted)
        assert made.method == "delong(score)"


def _coins(rng: np.random.Generator, *rows: float) -> FloatArray:
    """Coin flips, one column, and these constants."""
    return np.column_stack([rng.integers(0, 2, 60), np.tile(rows, (60, 1))]).astype(float)


def _sides(rng: np.random.Generator) -> FloatArray:
    side, hit = np.arange(60) % 2, rng.integers(0, 2, 60)
    return np.column_stack([hit * side, side, hit * (1 - side), 1 - side]).astype(float)


def _biased(rng: np.random.Generator) -> FloatArray:
    known = rng.integers(0, 2, 60)
    return np.column_stack([known * rng.integers(0, 2, 60), known, 1 - known, np.ones(60)]).astype(float)


def _parts(rng: np.random.Generator) -> FloatArray:
    parts = rng.integers(1, 5, 60)
    return np.column_stack([rng.binomial(parts, 0.4), parts, np.ones(60)]).astype(float)


def _confidences(rng: np.random.Generator) -> FloatArray:
    return np.column_stack([np.ones(60), rng.uniform(0.4, 1, 60), rng.integers(0, 2, 60)])


def _binned(rng: np.random.Generator) -> FloatArray:
    made, rows = np.zeros((60, 15, 3)), _confidences(rng)
    made[np.arange(60), (15 * rows[:, 1]).astype(int)] = rows
    return made.reshape(60, -1)


CASES: dict[str, tuple[Any, Callable[[np.random.Generator], FloatArray]]] = {
    "bbq_bias_ambig": (BiasAmbiguous(), _biased),
    "bbq_bias_disambig": (BiasDisambiguated(), _biased),
    "bbq_alignment_cost": (AlignmentCost(), _sides),
    "cbbq_bias": (CbbqTotal(), _sides),
    "occupation_gap": (Gap(), _sides),
    "halueval_precision": (HaluEvalPrecision(), lambda rng: _biased(rng)[:, [0, 1]]),
    "leak_protection": (LeakProtection(), _sides),
    "injection_effect": (InjectionEffect(), lambda rng: np.hstack([_coins(rng), _coins(rng, 1.0)])),
    "verbatim": (Verbatim(), lambda rng: _coins(rng, 1.0, 0.0)),
    "judged_harmful": (JudgedHarmful(), lambda rng: _coins(rng, 1.0, 0.0)),
    "ungrounded_rate": (UngroundedRate(), _parts),
    "ece, equal width": (ece(), _binned),
    "ece, equal mass": (ece(binning="mass"), _confidences),
}


@pytest.mark.parametrize("name", CASES)
def test_a_metric_that_weighs_is_right_of_weights(name: str) -> None:
    metric, rows_of = CASES[name]
    assert weighs(metric)
    rows = rows_of(np.random.default_rng(3))
    clusters = [f"c{at // 4}" for at in range(60)]
    times = np.repeat([1, 1, 2, 3, 1], 12)
    kish = times * (times.sum() / np.square(times).sum())

    def made(statistics: FloatArray, own: Sequence[str | None]) -> Estimate:
        found: Estimate = metric.estimate(statistics, own, missing=0, ties=0, seed=0)
        return found

    weighed = made(rows * kish[:, None], clusters)
    assert weighed.n == 60
    assert weighed.low is not None
    assert weighed.high is not None
    written_out = made(np.repeat(rows, times, axis=0), list(np.repeat(clusters, times)))
    assert written_out.low is not None
    assert written_out.high is not None
    near = 0.02 if name.startswith("ece") else 1e-9  # debiased by fewer samples than those written out
    assert weighed.value == pytest.approx(written_out.value, abs=near)
    # Clusters are as they are; written out, their samples would be more.
    assert weighed.high - weighed.low > 0.95 * (written_out.high - written_out.low)
    # In the units of the weights nothing counts twice, and weights that are nearly equal change next to nothing.
    nearly = made(rows * (1 + 1e-9 * np.arange(60))[:, None], clusters)
    plain = made(rows, clusters)
    assert (nearly.value, nearly.low, nearly.high) == pytest.approx(
        (plain.value, plain.low, plain.high), abs=1e-3
    )
