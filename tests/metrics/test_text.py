"""Exact match and its kin."""

from __future__ import annotations

from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.reading.normalise import stands
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample

GSM8K = {
    "ignore_case": True,
    "regexes_to_ignore": [",", r"\$", "(?s).*#### ", r"\.$"],
}
STRICT = {"exact_match": {**GSM8K, "name": "strict", "extract": r"#### (\-?[0-9\.\,]+)"}}
FLEXIBLE = {
    "exact_match": {
        **GSM8K,
        "name": "flexible",
        "extract": {"regex": r"(-?[$0-9.,]{2,})|(-?[0-9]+)", "take": "last"},
    }
}
GOLD = "She makes 9 * 2 = $18.\n#### 1,018"


def value(spec: Any, completion: str, *refs: str) -> float:
    metric: Any = create(spec)
    found = metric.measure(Sample("s", Generate("p"), refs), Generated(completion, 1, "stop"))
    assert isinstance(found.value, float)
    return found.value


@pytest.mark.parametrize(
    ("completion", "strict", "flexible"),
    [
        ("She makes 1018.\n#### 1018", 1, 1),
        ("#### 1,018.", 1, 1),
        ("#### 7\nNo: #### 1018", 0, 1),
        ("The answer is $1,018.", 0, 1),
        ("1018 it is, 9 a day", 0, 0),
        ("I do not know", 0, 0),
    ],
)
def test_gsm8k_as_lm_eval_reads_it(completion: str, strict: int, flexible: int) -> None:
    assert value(STRICT, completion, GOLD) == strict
    assert value(FLEXIBLE, completion, GOLD) == flexible


def test_two_metrics_of_one_family_have_names_of_their_own() -> None:
    first, second = create(STRICT), create(FLEXIBLE)
    assert (first.name, second.name) == ("strict", "flexible")
    assert first.signature != second.signature


@pytest.mark.parametrize(
    ("options", "completion", "reference", "expected"),
    [
        ({}, " Paris\n", "Paris", 1),
        ({"strip": False}, " Paris", "Paris", 0),
        ({}, "paris", "Paris", 0),
        ({"ignore_case": True}, "paris", "Paris", 1),
        ({"ignore_punctuation": True}, "Paris!", "Paris", 1),
        ({"ignore_numbers": True}, "Paris 20", "Paris 7", 1),
        ({"regexes_to_ignore": "^The "}, "The cat", "cat", 1),
    ],
)
def test_normalisations(options: dict[str, Any], completion: str, reference: str, expected: int) -> None:
    assert value({"exact_match": options}, completion, reference) == expected


def test_any_reference_may_match() -> None:
    assert value("exact_match", "b", "a", "b") == 1


def test_rules_are_tried_in_order() -> None:
    spec = {"exact_match": {"extract": ["Answer: (.)", {"regex": "([A-D])(x?)", "group": 1}]}}
    assert value(spec, "C. Answer: B", "B") == 1
    assert value(spec, "C it is", "C") == 1
    assert value(spec, "none", "none") == 0


def test_a_group_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UserError, match="group 2 does not exist"):
        create({"exact_match": {"extract": {"regex": "(a)", "group": 2}}})


def test_contains() -> None:
    assert value("contains", "I think PARIS, France", "London", "Paris") == 1
    assert value({"contains": {"ignore_case": False}}, "PARIS", "Paris") == 0
    assert value("contains", "anything", "") == 0


def test_token_f1() -> None:
    # Articles and punctuation are dropped: 2 of 3 tokens found, 2 of 2 right.
    assert value("f1", "The big cat!", "a big black cat") == pytest.approx(2 * 2 / 5)
    # A blank reference is none.
    assert value("f1", "", "") == 0
    assert value("f1", "the", "cat") == 0
    assert value({"f1": {"tokenize": "char"}}, "天气很好", "天气好") == pytest.approx(6 / 7)


def test_a_missing_reference_is_a_users_error() -> None:
    with pytest.raises(UserError, match="needs a reference"):
        value("exact_match", "x")


@pytest.mark.parametrize(
    ("completion", "reference", "expected"),
    [
        ("A", "A", 1),
        ("a", "A", 1),
        ("", "A", 0),
        ("the", "A", 0),
        ("O", "A", 0),
        ("Type A", "A", pytest.approx(2 / 3)),
        ("the The", "The The", 1),
        ("+", "+", 1),
        ("", "+", 0),
        ("%", "+", 0),
        ("\u00b0", "\u00b0", 1),
        ("", "\u3002", 0),
    ],
)
def test_f1_deletes_no_answer(completion: str, reference: str, expected: float) -> None:
    assert value("f1", completion, reference) == expected


def test_f1_of_single_characters_deletes_no_answer() -> None:
    spec = {"f1": {"tokenize": "char"}}
    assert value(spec, "\uff0b", "\uff0b") == 1
    assert value(spec, "", "\uff0b") == 0
    assert value(spec, "\u3002", "\uff0b") == 0


def test_exact_match_deletes_no_answer() -> None:
    bare = {"exact_match": {"ignore_case": True, "ignore_punctuation": True, "ignore_numbers": True}}
    assert value(bare, "+", "+") == 1
    assert value(bare, "", "+") == value(bare, "!", "+") == 0
    assert value(bare, "42", "42") == 1
    assert value(bare, "", "42") == value(bare, "7", "42") == 0
    assert value({"exact_match": {"regexes_to_ignore": "(?i)^a$"}}, "", "A") == 0
    assert value("exact_match", "", "") == value("exact_match", "", " ") == 0


@pytest.mark.parametrize(
    ("completion", "reference", "expected"),
    [
        ("In 2015", "5", 0),
        ("2.5 of them", "5", 0),
        ("1,500", "500", 0),
        ("-5 degrees", "5", 0),
        ("It costs $5.", "5", 1),
        ("Pages 3-5", "5", 1),
        ("\u5171 5\u4eba", "5", 1),
        ("a catalogue", "cat", 0),
        ("the cat's", "cat", 1),
        ("C++ it is", "C++", 1),
        ("\u6211\u5728\u5317\u4eac\u5e02", "\u5317\u4eac", 1),
        # The article a is no answer A.
        ("a dog", "A", 0),
        ("A dog", "A", 0),
        ("type A", "A", 1),
        ("a", "A", 1),
        ("the", "A", 0),
    ],
)
def test_contains_finds_nothing_inside_a_longer_word(completion: str, reference: str, expected: int) -> None:
    assert value("contains", completion, reference) == expected


@pytest.mark.parametrize(
    ("completion", "reference", "expected"),
    [
        ("I write C++", "C", 0),
        ("I write C#.", "C", 0),
        ("C, and C++", "C", 1),
        ("I write C++.", "C++", 1),
        ("cafe\u0301", "caf\u00e9", 1),
    ],
)
def test_contains_tells_names_with_signs_apart(completion: str, reference: str, expected: int) -> None:
    assert stands(completion, reference) is bool(expected)


def test_contains_may_look_inside_words() -> None:
    assert value({"contains": {"words": False}}, "catalogue", "cat") == 1
