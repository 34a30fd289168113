"""Membership attacks by hand, rates at few false positives, and a baseline that never sees the model."""

from __future__ import annotations

import random
import zlib
from typing import Any

import numpy as np
import pytest

from lsm_eval.benchmarks.privacy.membership_demo.blind import blind_scores
from lsm_eval.benchmarks.privacy.membership_demo.code import attack_score
from lsm_eval.errors import UserError
from lsm_eval.requests import Failure, Likelihood, Perplexity
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.auroc import auroc
from lsm_eval.tasks.sample import Sample

ANSWER = Likelihood(-10.0, 5, (-1.0, -4.0, -0.5, -3.0, -1.5), (-2.0,) * 5, (0.5, 1.0, 0.5, 2.0, 0.0))
WORDS = [f"word{number}" for number in range(40)]


def texts(count: int, seed: int, extra: str = "") -> list[str]:
    rng = random.Random(seed)
    return [" ".join([*rng.choices(WORDS, k=30), extra]).strip() for _ in range(count)]


def test_attacks_by_hand() -> None:
    text = "a short text"
    assert attack_score("loss", text, ANSWER) == -2
    assert attack_score("zlib", text, ANSWER) == pytest.approx(-2 / len(zlib.compress(text.encode())))
    assert attack_score("min_k", text, ANSWER, 0.2) == -4
    assert attack_score("min_k", text, ANSWER, 0.4) == -3.5
    assert attack_score("min_k", text, ANSWER, 0.1) == -4, "one token at the least"
    # (2, -2, 3, -.5, ∞): the last token is likelier than its distribution, without any spread, can tell.
    assert attack_score("min_k_pp", text, ANSWER, 0.2) == -2
    assert attack_score("min_k_pp", text, ANSWER, 0.4) == -1.25


def test_a_certain_token_says_nothing() -> None:
    certain = Likelihood(0.0, 2, (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    assert attack_score("min_k_pp", "x", certain) == 0


def test_answers_without_detail_are_a_users_error() -> None:
    samples = [Sample(str(i), Perplexity("x"), metadata={"member": i < 2}) for i in range(4)]
    answers = [Likelihood(-1.0, 1)] * 4
    with pytest.raises(UserError, match="detail: true"):
        score_task([create({"membership_auroc": {"attack": "min_k"}})], samples, answers, seed=0)
    ((_, estimate),), _ = score_task([create("membership_auroc")], samples, answers, seed=0)
    assert estimate.value == 0.5, "equal scores say nothing"
    with pytest.raises(UserError, match="true or false"):
        score_task(
            [create("membership_auroc")],
            [Sample("s", Perplexity("x"), metadata={"member": "yes"})],
            answers[:1],
            seed=0,
        )


def test_blind_scores_tell_what_texts_give_away() -> None:
    dated = texts(30, 1, "in 2023") + texts(30, 2, "in 2019")
    labels = [True] * 30 + [False] * 30
    found = blind_scores(dated, labels, [None] * 60)
    assert found is not None
    assert auroc(found, labels) > 0.95
    longer = [f"{text} {text}" for text in texts(30, 1)] + texts(30, 2)
    found = blind_scores(longer, labels, [None] * 60)
    assert found is not None
    assert auroc(found, labels) > 0.9


def test_blind_scores_of_texts_that_do_not_differ() -> None:
    """Averaged over sets: one that scored below one half by its making would flatter every attack."""
    values = []
    for seed in range(12):
        labels = [True] * 25 + [False] * 25
        found = blind_scores(texts(50, 100 + seed), labels, [None] * 50)
        assert found is not None
        values.append(auroc(found, labels))
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)


def test_a_text_is_never_judged_by_its_own_cluster() -> None:
    """Ten copies of each text: with the copies apart it would be known by heart."""
    once = texts(12, 5)
    labels = [number % 2 == 0 for number in range(12) for _ in range(10)]
    copies = [text for text in once for _ in range(10)]
    apart = blind_scores(copies, labels, [None] * 120)
    together = blind_scores(copies, labels, [f"c{number // 10}" for number in range(120)])
    assert apart is not None
    assert together is not None
    assert auroc(apart, labels) > 0.99
    assert auroc(together, labels) < 0.9


def test_too_few_clusters_leave_it_undefined() -> None:
    labels = [True] * 5 + [False] * 5
    assert blind_scores(texts(10, 1), labels, ["a"] * 5 + ["b"] * 5) is None
    samples = [
        Sample(str(i), Perplexity(text), cluster="ab"[i >= 5], metadata={"member": i < 5})
        for i, text in enumerate(texts(10, 1))
    ]
    metrics = [create("membership_blind_auroc"), create("membership_gain")]
    found, _ = score_task(metrics, samples, [ANSWER] * 10, seed=0)
    assert [estimate.value for _, estimate in found] == [None, None]


def test_failures_are_missing_and_the_interval_knows_clusters() -> None:
    rng = random.Random(3)
    samples, answers = [], []
    for number, text in enumerate(texts(80, 9)):
        member = number % 2 == 0
        samples.append(
            Sample(
                str(number), Perplexity(text), cluster=f"c{number // 8}-{member}", metadata={"member": member}
            )
        )
        level = -2.0 + 0.3 * member + rng.gauss(0, 0.3)
        answers.append(Likelihood(10 * level, 10))
    responses: list[Any] = [*answers[:-1], Failure("nan", "x")]
    tenth = create({"membership_tpr": {"fpr": 0.1}})
    metrics = [create("membership_auroc"), create("membership_gain"), tenth]
    found, rows = score_task(metrics, samples, responses, seed=1)
    auroc_of, gain, tpr = (estimate for _, estimate in found)
    assert (auroc_of.n, auroc_of.missing, auroc_of.clusters) == (79, 1, 20)
    assert auroc_of.value is not None
    assert auroc_of.low is not None
    assert auroc_of.high is not None
    assert 0.6 < auroc_of.low < auroc_of.value < auroc_of.high < 1
    assert gain.value is not None
    assert gain.value <= auroc_of.value - 0.5, "never more than above chance"
    assert tpr.value is not None
    assert rows[0]["membership_auroc"] is not None
    again, _ = score_task(metrics, samples, responses, seed=1)
    assert [e for _, e in again] == [e for _, e in found]


def test_perfect_separation_keeps_a_width() -> None:
    samples = [Sample(str(i), Perplexity(t), metadata={"member": i < 10}) for i, t in enumerate(texts(20, 4))]
    answers = [Likelihood(-1.0 - (i >= 10), 1) for i in range(20)]
    ((_, estimate),), _ = score_task([create("membership_auroc")], samples, answers, seed=0)
    assert (estimate.value, estimate.high, estimate.method) == (1.0, 1.0, "delong(score)")
    assert estimate.low is not None
    assert 0.69 < estimate.low < 0.72


def test_too_few_non_members_have_no_rate_at_one_percent() -> None:
    samples = [Sample(str(i), Perplexity(t), metadata={"member": i < 10}) for i, t in enumerate(texts(20, 4))]
    answers = [Likelihood(-1.0 - (i >= 10), 1) for i in range(20)]
    metrics = [create("membership_tpr"), create({"membership_tpr": {"fpr": 0.1, "name": "at_10"}})]
    ((_, one), (_, ten)), _ = score_task(metrics, samples, answers, seed=0)
    assert (one.value, one.low) == (None, None)
    assert one.method == "none (10 negatives; a rate of 0.01 takes 67)"
    assert ten.value == 1.0
    assert ten.low is not None
    with pytest.raises(UserError, match="`fpr` lies above 0"):
        create({"membership_tpr": {"fpr": 0}})


def test_unknown_attacks() -> None:
    with pytest.raises(UserError, match="attack"):
        create({"membership_auroc": {"attack": "guess"}})
    with pytest.raises(UserError, match="`k`"):
        create({"membership_auroc": {"attack": "min_k", "k": 0.0}})
