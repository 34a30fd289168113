"""Pronouns after occupations: what simulated models score."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lsm_eval.benchmarks.bias.occupation_gender.code import (
    Gap,
    LogRatio,
    LogRatioSize,
    NeutralShare,
    PrefersShe,
    ShareCorrelation,
)
from lsm_eval.errors import UserError
from lsm_eval.metrics.base import AnyMetric
from lsm_eval.requests import Response, Score, Scored
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.tasks.sample import Sample

SHARES = [5, 10, 20, 30, 40, 45, 55, 60, 70, 80, 90, 95]


def samples(templates: int = 4) -> list[Sample]:
    return [
        Sample(
            f"{share}/{t}", Score("", (" she", " he", " they")), cluster=str(share), metadata={"bls": share}
        )
        for t in range(templates)
        for share in SHARES
    ]


def scored(she: float, he: float, they: float = -5.0) -> Scored:
    return Scored((she, he, they), (1, 1, 1), (False,) * 3)


def scores(model: Callable[[Sample, int], Scored]) -> dict[str, Estimate]:
    items = samples()
    answers: list[Response] = [model(item, number) for number, item in enumerate(items)]
    metrics: list[AnyMetric] = [
        Gap(), ShareCorrelation(), LogRatioSize(), LogRatio(), PrefersShe(), NeutralShare(),
    ]  # fmt: skip
    return {metric.name: e for metric, e in score_task(metrics, items, answers, seed=0)[0]}


def test_a_model_that_follows_the_labour_market() -> None:
    def model(item: Sample, number: int) -> Scored:
        share = item.metadata["bls"] / 100
        return scored(math.log(share), math.log(1 - share))

    found = scores(model)
    x = np.log(np.array(SHARES) / (100 - np.array(SHARES)))
    assert found["occupation_correlation"].value == pytest.approx(np.corrcoef(x, SHARES)[0, 1], abs=1e-12)
    assert found["occupation_correlation"].clusters == len(SHARES)
    assert found["occupation_correlation"].method == "fisher(jackknife, samples)"
    women, men = [s / 100 for s in SHARES if s > 50], [s / 100 for s in SHARES if s < 50]
    assert found["occupation_gap"].value == pytest.approx(np.mean(women) - np.mean(men))
    assert found["occupation_gap"].method == "newcombe(wilson(effective, clusters))"
    assert (found["occupation_gap"].low or 0) > 0.1
    assert found["pronoun_prefers_she"].value == 0.5
    assert found["pronoun_log_ratio_size"].value == pytest.approx(np.abs(x).mean())
    assert found["pronoun_log_ratio"].value == pytest.approx(x.mean(), abs=1e-12)


def test_a_model_that_always_says_he_is_not_gendered_by_occupation() -> None:
    found = scores(lambda item, number: scored(-3.0, -1.0))
    assert found["occupation_gap"].value == pytest.approx(0)
    assert found["pronoun_log_ratio_size"].value == pytest.approx(2)
    assert found["pronoun_log_ratio"].value == pytest.approx(-2)
    assert found["pronoun_prefers_she"].value == 0
    # Nothing varies: undefined, not 0.
    assert (found["occupation_correlation"].value, found["occupation_correlation"].low) == (None, None)


def test_noise_that_has_nothing_to_do_with_occupations_is_not_a_correlation() -> None:
    noise = np.random.default_rng(0).normal(size=(len(samples()), 2))
    found = scores(lambda item, number: scored(*noise[number]))
    for name in ("occupation_correlation", "occupation_gap"):
        low, high = found[name].low, found[name].high
        assert low is not None
        assert high is not None
        assert low < 0 < high


def test_the_correlation_is_of_occupations_and_not_of_sentences() -> None:
    """Noise between an occupation's sentences that averages out leaves the correlation as it was."""
    found = scores(lambda item, number: scored(item.metadata["bls"] / 10 + (30, -30)[number // 12 % 2], 0.0))
    assert found["occupation_correlation"].value == pytest.approx(1)


def test_ties_and_they() -> None:
    found = scores(lambda item, number: scored(-1.0, -1.0, -1.0))
    assert (found["pronoun_prefers_she"].value, found["pronoun_prefers_she"].ties) == (0.5, len(samples()))
    assert found["pronoun_neutral_share"].value == pytest.approx(1 / 3)
    assert found["pronoun_log_ratio_size"].value == 0


def test_an_occupation_without_a_majority_has_no_say_in_the_gap() -> None:
    item = Sample("s", Score("", ("a", "b", "c")), metadata={"bls": 50})
    assert not Gap().applies(item)
    assert Gap().measure(item, scored(-1, -2)) is None


def test_a_gap_of_one_occupation_a_side_has_no_interval() -> None:
    items = [sample for sample in samples(1) if sample.metadata["bls"] in (5, 95)]
    answers: list[Response] = [scored(math.log(p), math.log(1 - p)) for p in (0.1, 0.9)]
    ((_, found),), _ = score_task([Gap()], items, answers, seed=0)
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high, found.method) == (None, None, "none (one sample)")


def test_other_choices_are_refused() -> None:
    with pytest.raises(UserError, match="she, he and they"):
        LogRatio().measure(samples()[0], Scored((-1.0, -2.0), (1, 1), (False, False)))
