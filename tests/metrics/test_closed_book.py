"""Closed-book questions: right, wrong, unanswered and unreadable are four things that add up to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lsm_eval.errors import UserError
from lsm_eval.metrics.closed_book import outcome
from lsm_eval.reading.normalise import normalised
from lsm_eval.requests import Failure, Generate, Generated, Response
from lsm_eval.scoring import registry
from lsm_eval.scoring.task import score_task
from lsm_eval.tasks.sample import Sample


@pytest.mark.parametrize(
    ("completion", "match", "expected"),
    [
        (" Sunset Boulevard", "exact", "correct"),
        ("The sunset-boulevard.", "exact", "correct"),
        ("It is Sunset Boulevard", "exact", "wrong"),
        ("It is Sunset Boulevard", "contains", "correct"),
        ("It is Sunset Boulevards", "contains", "wrong"),
        ("Cats", "exact", "wrong"),
        ("I don't know", "exact", "abstained"),
        ("I don't know, Sunset Boulevard?", "contains", "correct"),
        ("", "exact", "abstained"),
        ("???", "exact", "unclear"),
        ("Бульвар Сансет", "exact", "unclear"),
        ("I'm not sure, but I think it was Cats", "exact", "wrong"),
    ],
)
def test_outcomes(completion: str, match: Any, expected: str) -> None:
    assert outcome(completion, ("Sunset Boulevard", "Sunset Blvd"), "triviaqa", match) == expected


def test_an_answer_that_is_the_reference_is_right_whatever_it_says() -> None:
    assert outcome("unknown", ("Unknown",)) == "correct"
    assert outcome("unknown", ("Cats",)) == "abstained"


@pytest.mark.parametrize(
    ("completion", "match", "expected"),
    [
        ("足阳明胃经。", "exact", "correct"),
        ("足阳明胃经", "exact", "correct"),
        ("属于足阳明胃经", "exact", "wrong"),
        ("属于足阳明胃经", "contains", "correct"),
        ("我不知道", "exact", "abstained"),
    ],
)
def test_outcomes_in_chinese(completion: str, match: Any, expected: str) -> None:
    assert outcome(completion, ("足阳明胃经",), "zh", match) == expected


def test_normalisation_is_that_of_the_data_set(hub_mirror: Path) -> None:
    """TriviaQA ships its aliases normalised by its own script: ours must give the same, all of them."""
    path = hub_mirror / "mandarjoshi/trivia_qa/rc.wikipedia.nocontext/validation.parquet"
    answers = [row["answer"] for row in pq.read_table(path, columns=["answer"]).to_pylist()]
    assert len(answers) == 7993
    for answer in answers:
        # Aliases of nothing but punctuation and articles are left out there.
        ours = {normalised(alias, "triviaqa", "words") for alias in answer["aliases"]} - {""}
        assert ours == set(answer["normalized_aliases"])
        assert normalised(answer["value"], "triviaqa", "words") == answer["normalized_value"]
    assert outcome("The", ("The The",)) == "wrong"


def test_normalisations_differ_in_punctuation() -> None:
    assert normalised("The O'Neill_family", "triviaqa") == "o neill family"
    assert normalised("The O'Neill_family", "squad") == "oneillfamily"
    assert normalised("Ｏ·Neill 家", "zh") == "oneill家"


def figures(completions: list[str], spec: str = "qa", **options: Any) -> dict[str, tuple[float | None, int]]:
    names = ("correct", "abstained", "wrong", "unclear", "correct_attempted", "score")
    metrics = [registry.create({f"qa_{name}": options}) for name in names]
    samples = [Sample(str(i), Generate("q"), ("Paris",)) for i in range(len(completions))]
    responses: list[Response] = [Generated(text, 1, "stop") for text in completions]
    found, _ = score_task(metrics, samples, responses, seed=0)
    return {metric.name: (estimate.value, estimate.n) for metric, estimate in found}


def test_shares_and_the_accuracy_of_what_was_attempted() -> None:
    found = figures(["Paris", "paris.", "Lyon", "I don't know", "no idea", "?"])
    assert {name: value for name, (value, _) in found.items()} == pytest.approx(
        {
            "qa_correct": 2 / 6,
            "qa_abstained": 2 / 6,
            "qa_wrong": 1 / 6,
            "qa_unclear": 1 / 6,
            "qa_correct_attempted": 2 / 3,
            "qa_score": (2 - 1 - 1) / 6,
        }
    )
    assert {name: n for name, (_, n) in found.items() if n != 6} == {"qa_correct_attempted": 3}


def test_guessing_and_abstaining_are_told_apart_where_accuracy_is_the_same() -> None:
    guesses, abstains = figures(["Paris", "Lyon", "Nice"]), figures(["Paris", "I don't know", "unknown"])
    assert guesses["qa_correct"] == abstains["qa_correct"]
    assert guesses["qa_wrong"][0] == abstains["qa_abstained"][0] == pytest.approx(2 / 3)
    assert guesses["qa_score"][0] == pytest.approx(-1 / 3)
    assert abstains["qa_score"][0] == pytest.approx(1 / 3)
    assert figures(["I don't know"])["qa_correct_attempted"] == (None, 0)


def test_the_penalty_is_an_option() -> None:
    metric: Any = registry.create({"qa_score": {"penalty": 3.0}})
    sample = Sample("s", Generate("q"), ("Paris",))
    values = [metric.measure(sample, Generated(t, 1, "stop")).value for t in ("Paris", "Lyon", "idk", "?")]
    assert values == [1.0, -3.0, 0.0, -3.0]
    assert "penalty:3" in metric.signature
    with pytest.raises(UserError, match="0 or more"):
        registry.create({"qa_score": {"penalty": -1.0}})


def test_a_failure_is_missing_and_no_abstention() -> None:
    metrics = [registry.create("qa_abstained")]
    samples = [Sample(str(i), Generate("q"), ("Paris",)) for i in range(2)]
    responses: list[Response] = [Generated("idk", 1, "stop"), Failure("nan", "x")]
    ((_, found),), _ = score_task(metrics, samples, responses, seed=0)
    assert (found.value, found.n, found.missing) == (1.0, 1, 1)


def test_the_signature_names_the_detector() -> None:
    assert "detector:abstention@2" in registry.create("qa_wrong").signature


def test_chinese_answers_are_not_found_inside_other_numbers_and_words() -> None:
    def found(said: str, wanted: str) -> bool:
        return outcome(said, (wanted,), "zh", "contains") == "correct"

    assert not found("2015\u5e74", "5")
    assert not found("23", "2.3")
    assert not found("1234567890", "456")
    assert not found("catalogue", "cat")
    assert found("\u7b54\u6848\u662f2.3\u3002", "2.3")
    assert found("\u51711,000\u4eba", "1000")
    assert found("\u5317\u4eac\u5e02", "\u5317\u4eac")


@pytest.mark.parametrize("how", ["triviaqa", "squad", "zh"])
@pytest.mark.parametrize(
    ("completion", "reference", "exact", "contains"),
    [
        # An article is an answer where it is all there is.
        ("A", "A", True, True),
        ("a.", "A", True, True),
        ("A\u3002", "A", True, True),
        ("", "A", False, False),
        ("the", "A", False, False),
        ("an", "A", False, False),
        ("Her blood type is A", "A", False, True),
        ("a type A battery", "A", False, True),
        ("It was a dog", "A", False, False),
        ("A dog", "A", False, False),
        ("The The", "The The", True, True),
        ("The", "The The", False, False),
        # So is a sign.
        ("+", "+", True, True),
        ("+.", "+", True, True),
        ("-", "+", False, False),
        ("", "+", False, False),
        ("The sign is +.", "+", False, True),
        ("\u00b0", "\u00b0", True, True),
        ("...", "...", True, True),
        ("!", "...", False, False),
        ("\u3002", "\uff01", False, False),
        # A blank reference is none.
        ("", "", False, False),
        ("anything", " ", False, False),
    ],
)
def test_normalisation_deletes_no_answer(
    how: Any, completion: str, reference: str, exact: bool, contains: bool
) -> None:
    assert (outcome(completion, (reference,), how, "exact") == "correct") is exact
    assert (outcome(completion, (reference,), how, "contains") == "correct") is contains


@pytest.mark.parametrize("how", ["triviaqa", "squad"])
@pytest.mark.parametrize(
    ("completion", "reference", "exact", "contains"),
    [
        ("5", "-5", False, False), ("-5", "5", False, False), ("\u22125", "-5", True, True), ("35", "3.5", False, False),
        ("3.5", "5", False, False), ("It is 3.5 m.", "5", False, False), ("It is 5.", "5", False, True),
        ("12", "1/2", False, False), ("1000", "1,000", True, True), ("in 1,000 days", "1000", False, True),
        ("from 1939-1945", "1945", False, True), ("$5", "5", True, True), ("C", "C++", False, False), ("C++", "C++", True, True),
        ("AB-", "AB+", False, False), ("AB+", "AB+", True, True), ("x < y", "x > y", False, None), ("vitamin", "Vitamin A", False, None),
        ("Vitamin a", "Vitamin A", True, True), ("cafe\u0301", "caf\u00e9", True, True), ("pre", "pre-", True, True),
    ],
)  # fmt: skip
def test_numbers_and_signs_that_the_scripts_delete_tell_answers_apart(
    how: Any, completion: str, reference: str, exact: bool, contains: bool | None
) -> None:
    assert (outcome(completion, (reference,), how, "exact") == "correct") is exact
    if contains is not None:
        assert (outcome(completion, (reference,), how, "contains") == "correct") is contains


def test_one_of_several_references_may_be_an_article() -> None:
    aliases = ("Grade A", "A", "The top grade")
    assert outcome("A", aliases) == "correct"
    assert outcome("grade", ("Grade A",)) == "wrong"  # an A at the end is no article
    assert outcome("grade a", ("Grade A",)) == "correct"
    assert outcome("the", aliases) == "wrong"
    assert outcome("", aliases) == "abstained"
