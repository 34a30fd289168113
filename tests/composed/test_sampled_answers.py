"""Metrics over draws: against every choice of k draws one by one, against another analysis of variance, and mistakes."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from lsm_eval.errors import UserError
from lsm_eval.metrics.joint import Answers
from lsm_eval.metrics.protocols import Demanding
from lsm_eval.requests import Failure, Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.scoring.task import score_task
from lsm_eval.statistics.estimate import Estimate
from lsm_eval.statistics.majority import majority, pass_chance
from lsm_eval.tasks.sample import Sample


def question(number: int, target: str = "7", *, cluster: str | None = None, **metadata: Any) -> Sample:
    asked = Generate("q")
    return Sample(str(number), asked, (target,), cluster=cluster, metadata=metadata, further=(asked,))


def answers(*texts: str) -> Answers:
    """The greedy answer, and the drawn ones."""
    return Answers(tuple(Generated(text, 1, "stop") for text in texts))


def found(spec: Any, samples: list[Sample], given: list[Any]) -> dict[str, Estimate]:
    rows, _ = score_task([create(spec)], samples, given, seed=0)
    return {metric.name: estimate for metric, estimate in rows}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_pass_is_the_mean_over_all_choices(size: int) -> None:
    for right in range(9):
        draws = [True] * right + [False] * (8 - right)
        chosen = [any(own) for own in combinations(draws, size)]
        assert pass_chance(8, right, size) == pytest.approx(sum(chosen) / len(chosen))


def test_pass_of_many_draws_does_not_overflow() -> None:
    # Chen et al.'s own way to compute it.
    wanted = 1 - np.prod(1 - 5000 / np.arange(10000 - 3 + 1, 10001))
    assert pass_chance(10000, 3, 5000) == pytest.approx(wanted)


def by_hand(votes: list[int | None], right: set[int], size: int) -> Fraction:
    total, number = Fraction(0), 0
    for own in combinations(votes, size):
        counts = Counter(vote for vote in own if vote is not None)
        most = max(counts.values(), default=0)
        tied = [vote for vote, count in counts.items() if count == most]
        total += Fraction(sum(vote in right for vote in tied), len(tied)) if tied else 0
        number += 1
    return total / number


@pytest.mark.parametrize("seed", range(12))
def test_majorities_are_the_mean_over_all_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = [None if vote == 0 else int(vote) for vote in rng.integers(0, 5, 9)]
    right = {1, 2} if seed % 2 else {3}
    counts = Counter(vote for vote in votes if vote is not None)
    for size in range(1, 10):
        made = majority(list(counts.values()), [vote in right for vote in counts], votes.count(None), size)
        assert made == pytest.approx(float(by_hand(votes, right, size)), abs=1e-12), size


def test_majorities_at_their_ends() -> None:
    assert majority([4], [True], 0, 3) == 1.0
    assert majority([4], [False], 0, 3) == 0.0
    assert majority([], [], 4, 3) == 0.0
    assert majority([1, 1], [True, False], 0, 2) == 0.5
    # Of two answers one has more than half of an odd number.
    wanted = scipy_stats.hypergeom(1000, 600, 101).sf(50)
    assert majority([600, 400], [True, False], 0, 101) == pytest.approx(wanted, rel=1e-9)
    with pytest.raises(ValueError, match="3 of 2 draws"):
        majority([2], [True], 0, 3)


def test_a_majority_of_one_is_the_mean_of_the_draws() -> None:
    samples, given = [question(0)], [answers("", "7", "7", "8", "7")]
    assert found({"maj@k": {"k": 1}}, samples, given)["maj@1"].value == pytest.approx(0.75)
    assert found({"pass@k": {"k": 1}}, samples, given)["pass@1"].value == pytest.approx(0.75)
    assert found("draws_mean", samples, given)["draws_mean"].value == pytest.approx(0.75)


def test_the_greedy_answer_is_no_draw() -> None:
    samples, given = [question(0)], [answers("7", "8", "9", "8", "8")]
    for spec in ({"pass@k": {"k": 4}}, {"maj@k": {"k": 4}}, {"draws_mean": {"parts": False}}):
        (made,) = found(spec, samples, given).values()
        assert made.value == 0
    assert found("greedy", samples, given)["greedy"].value == 1


def test_several_ks_are_several_rows() -> None:
    spec = {"pass@k": {"k": [1, 2, 4], "of": "number_match"}}
    rows = found(spec, [question(0), question(1)], [answers("", "7", "8", "9", "9.0"), answers("", *"1234")])
    assert {name: row.value for name, row in rows.items()} == {"pass@1": 0.125, "pass@2": 0.25, "pass@4": 0.5}
    assert all(row.method == "wilson(effective)" for row in rows.values())
    assert create(spec).signature == "pass@k|k:1|of:(number_match|tolerance:0)"
    named = found({"maj@k": {"k": [1, 3], "name": "vote"}}, [question(0)], [answers("", "7", "8", "7")])
    assert list(named) == ["vote@1", "vote@3"]


@pytest.mark.parametrize(
    ("of", "texts", "wanted"),
    [
        # What is equal as a number, or in any dress, is one answer; what cannot be read has no vote.
        ("number_match", ["The answer is 7.0", "it is 7", "8", "none of it"], 1.0),
        ({"exact_match": {"extract": r"#### (\d+)"}}, ["a #### 7", "b #### 7", "#### 8", "7"], 1.0),
        ("exact_match", ["7", "7", "8", "8"], 0.5),
        ("exact_match", [" ", "", "", "7"], 1.0),
    ],
)  # fmt: skip
def test_votes_are_for_answers_as_they_are_read(of: Any, texts: list[str], wanted: float) -> None:
    rows = found({"maj@k": {"k": 4, "of": of}}, [question(0)], [answers("", *texts)])
    assert rows["maj@4"].value == pytest.approx(wanted)


def test_options_and_yes_or_no_vote() -> None:
    options = question(0, "Oslo", options=["Rome", "Oslo"])
    given = [answers("", "B", "The answer is Oslo.", "A")]
    assert found({"maj@k": {"k": 3, "of": "option_match"}}, [options], given)["maj@3"].value == 1
    given = [answers("", "Yes.", "yes, it is", "No")]
    assert found({"maj@k": {"k": 3, "of": "yes_no_match"}}, [question(0, "no")], given)["maj@3"].value == 0


def drawn(rng: np.random.Generator, number: int, draws: int) -> tuple[list[Sample], list[Answers], Any]:
    right = rng.random((number, draws)) < rng.beta(2, 2, number)[:, None]
    given = [answers("", *("7" if one else "8" for one in own)) for own in right]
    return [question(i) for i in range(number)], given, right.astype(float)


def test_parts_of_the_variance_are_those_of_an_analysis_of_variance() -> None:
    samples, given, right = drawn(np.random.default_rng(0), 120, 5)
    rows = found({"draws_mean": {"name": "accuracy"}}, samples, given)
    within = right.var(axis=1, ddof=1).mean()
    between = 5 * right.mean(axis=1).var(ddof=1)
    assert rows["accuracy.between_draws"].value == pytest.approx(within)
    assert rows["accuracy.between_questions"].value == pytest.approx((between - within) / 5)
    assert rows["accuracy.share_of_draws"].value == pytest.approx(within / between)
    # Both parts make up the mean's own error.
    assert rows["accuracy"].stderr == pytest.approx(math.sqrt(between / 5 / 120))
    methods = {name.partition(".")[2]: row.method for name, row in rows.items()}
    assert methods == {
        "": "wilson(effective)",
        "between_questions": "jackknife(samples)",
        "between_draws": "wilson(effective)",
        "share_of_draws": "jackknife(samples), log",
    }
    for row in rows.values():
        assert row.value is not None
        assert row.low is not None
        assert row.high is not None
        assert row.low < row.value < row.high


def test_parts_of_the_variance_are_those_of_statsmodels() -> None:
    api = pytest.importorskip("statsmodels.regression.mixed_linear_model", reason="another implementation")
    samples, given, right = drawn(np.random.default_rng(1), 60, 4)
    rows = found("draws_mean", samples, given)
    groups = np.repeat(np.arange(60), 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Balanced draws: restricted maximum likelihood is the analysis of variance (Searle et al. 1992, section 4.8).
        theirs = api.MixedLM(right.ravel(), np.ones(240), groups=groups).fit(reml=True)
    assert rows["draws_mean.between_questions"].value == pytest.approx(float(theirs.cov_re[0, 0]), rel=1e-3)
    assert rows["draws_mean.between_draws"].value == pytest.approx(float(theirs.scale), rel=1e-3)


def test_parts_without_an_interval_say_why() -> None:
    samples, given, _ = drawn(np.random.default_rng(2), 30, 3)
    rows = found("draws_mean", samples, given)
    assert rows["draws_mean.between_questions"].method == "none (fewer than 40 right or wrong)"
    clustered = [question(i, cluster=str(i // 3)) for i in range(30)]
    assert (
        found("draws_mean", clustered, given)["draws_mean.share_of_draws"].method
        == "none (samples in clusters)"
    )
    alike = found("draws_mean", samples[:10], [answers("", "7", "7")] * 10)
    assert alike["draws_mean.share_of_draws"].value is None
    assert alike["draws_mean.between_draws"].value == 0
    high = alike["draws_mean.between_draws"].high
    assert high is not None
    assert high > 0.1


def test_one_failed_draw_makes_the_question_missing() -> None:
    rows = found(
        {"pass@k": {"k": 2}}, [question(0), question(1)], [answers("", "7", "8"), Failure("nan", "")]
    )
    assert (rows["pass@2"].n, rows["pass@2"].missing, rows["pass@2"].value) == (1, 1, 1.0)


def test_where_all_failed_nothing_has_a_value() -> None:
    for spec in ({"pass@k": {"k": [1, 2]}}, "draws_mean", "greedy"):
        rows = found(spec, [question(0)], [Failure("nan", "")])
        assert {(row.value, row.missing) for row in rows.values()} == {(None, 1)}


def test_one_k_can_be_grouped() -> None:
    samples = [question(0, level="easy"), question(1, level="hard")]
    rows = found({"pass@k": {"k": 2, "by": "level"}}, samples, [answers("", "7", "8"), answers("", "8", "8")])
    assert {name: row.value for name, row in rows.items()} == {
        "pass@2": 0.5, "pass@2[easy]": 1.0, "pass@2[hard]": 0.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"pass@k": {"k": 0}}, "`k` is a number of draws, 1 or more"),
        ({"pass@k": {"k": [2, 2]}}, "different ones"),
        ({"pass@k": {"k": []}}, "`k` is a number of draws"),
        ({"pass@k": {"k": True}}, "is not valid"),
        ({"pass@k": {}}, "'k' is not valid"),
        ({"maj@k": {"k": 3, "of": "contains"}}, "'contains' does not say what is one: choose exact_match"),
        ({"maj@k": {"k": 3, "of": "bleu"}}, "'bleu' is no mean"),
        ({"pass@k": {"k": [1, 3], "by": "level"}}, "takes no option 'by'"),
        ({"draws_mean": {"of": "word_perplexity"}}, "'word_perplexity' is no mean"),
    ],
)
def test_mistakes_in_options_are_a_sentence(spec: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        create(spec)


@pytest.mark.parametrize(
    ("spec", "draws", "words"),
    [
        (
            {"pass@k": {"k": [1, 8]}},
            4,
            r"'pass@8' takes 8 drawn answers.*the task draws 4: set `draws: \{n: 8\}`",
        ),
        ({"maj@k": {"k": 3, "by": "level"}}, 2, "'maj@3' takes 3"),
        ("draws_mean", 1, "'draws_mean' takes 2"),
        ("draws_mean", 0, "the task draws none"),
    ],
)
def test_too_few_draws_are_told_before_anything_is_asked(spec: Any, draws: int, words: str) -> None:
    metric = create(spec)
    assert isinstance(metric, Demanding)
    metric.check_task("generate", 8)
    with pytest.raises(UserError, match=words):
        metric.check_task("generate", draws)


def test_too_few_draws_are_no_answer() -> None:
    with pytest.raises(UserError, match="the task draws 1"):
        found({"maj@k": {"k": 2}}, [question(0)], [answers("7", "7")])


def test_a_rule_that_gives_shares_is_refused() -> None:
    with pytest.raises(UserError, match="is to say right or wrong, and 'f1' gives"):
        found({"pass@k": {"k": 1, "of": "f1"}}, [question(0, "a big dog")], [answers("", "big cat dog bird")])
    rows = found({"draws_mean": {"of": "f1"}}, [question(0, "big dog")], [answers("", "dog", "cat")])
    assert rows["draws_mean"].value == pytest.approx(1 / 3)
