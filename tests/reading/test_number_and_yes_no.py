"""Numbers, and yes and no, as answers give them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lsm_eval.errors import UserError
from lsm_eval.reading.number import read_number
from lsm_eval.reading.yes_no import read_yes_no
from lsm_eval.requests import Generate, Generated
from lsm_eval.scoring.registry import create
from lsm_eval.tasks.sample import Sample

NUMBERS: list[tuple[str, Any]] = [
    ("1,234.00", 1234), ("$5", 5), ("5.", 5), ("-5", -5), ("\u22125", -5), ("The answer is -3.5.", Fraction(-7, 2)),
    ("\\boxed{5}", 5), ("\\boxed{\\frac{1}{2}}", Fraction(1, 2)), ("1/2", Fraction(1, 2)), ("2 1/2", Fraction(5, 2)),
    ("It is 5 apples.", 5), ("5%", 5), ("3 + 4 = 7", 7), ("7 - 2 = 5", 5), ("10-5", 5), ("#### 1,018", 1018),
    ("#### 7\nNo: #### 1018", 1018), ("The answer is $1,018.", 1018), ("1018 it is, 9 a day", 9), ("none", None), ("", None),
    ("\uff11\uff12", 12), ("1.5e3", 1500), ("$-5", -5), ("-$5", -5), ("So she has 5.0 dollars. Final answer: 5", 5),
    ("The answer is 5. It took 3 steps.", 5), ("**42**", 42), ("$\\$42$", 42), ("12,345,678", 12345678), ("$1{,}234$", 1234),
    ("0.50", Fraction(1, 2)), (".5", Fraction(1, 2)), ("\u7b54\u6848\u662f42\u3002", 42), ("the answer is 42km", 42),
    ("He has 3 dogs, 4 cats. The total is 7 animals", 7), ("x = -2", -2), ("(-2)", -2), ("1 234", 234),
    ("\\boxed{-\\frac{3}{4}}", Fraction(-3, 4)), ("A4", None), ("2024-05-06", 6), ("3,5", 5), ("18 dollars per day", 18),
    ("5**", 5), ("*5*", 5), ("1 000 000", 1000000), ("about 1.000.000 euros", 1000000), ("10 000 km", 10000), ("3.142", Fraction(1571, 500)),
]  # fmt: skip
YES_OR_NO: list[tuple[str, bool | None]] = [
    ("Yes [1].", True), ("No [2], because of it", False), ("No doubt about it", None),
    ("Yes.", True), ("yes", True), ("no, it is", False), ("No", False), ("Not really", False), ("Yesterday", None),
    ("Nobody", None), ("There is no doubt about it.", None), ("Yes and no", None), ("yes or no", None),
    ("The answer is yes.", True), ("The answer is no, since ...", False), ("**Yes**", True), ("Well, yes.", True),
    ("No one knows", None), ("I know that.", None), ("", None), ("No, he said yes.", False), ("\u662f", True),
    ("\u662f\u7684\u3002", True), ("\u5426", False), ("\u4e0d\u662f", False), ("\u4e0d", False), ("Of course not.", False),
    ("Definitely not", False), ("Not all of them", None), ("There is no evidence, so yes.", True),
    ("Yes, there is no doubt", True), ("Noah", None), ("no.", False), ("Answer: Yes", True), ("Answer: yes or no", None),
    ("Oui", True), ("Nein.", False), ("No it is not", False), ("Yes it is", True), ("Yes\n\nNo", True), ("NO!", False),
    ("I would say no.", False), ("Yes. No, wait: no.", False), ("I'd say: yes", True), ("I say no one is right", None),
    ("\u662f\u5426", None), ("\\boxed{Yes}", True), ("`no`", False), ("\"Yes\"", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers(text: str, expected: Any) -> None:
    assert read_number(text) == expected


@pytest.mark.parametrize(("text", "expected"), YES_OR_NO)
def test_yes_and_no(text: str, expected: bool | None) -> None:
    assert read_yes_no(text) is expected


def value(spec: Any, completion: str, *refs: str, **metadata: Any) -> float:
    metric: Any = create(spec)
    found = metric.measure(
        Sample("s", Generate("p"), refs, metadata=metadata), Generated(completion, 1, "stop")
    )
    assert isinstance(found.value, float)
    return found.value


def test_number_match() -> None:
    gold = "She makes 9 * 2 = $18.\n#### 1,018"
    assert value("number_match", "The answer is 1018.00.", gold) == 1
    assert value("number_match", "She has 1,018 of them", gold) == 1
    assert value("number_match", "18", gold) == 0
    assert value("number_match", "", gold) == value("number_match", "none", gold) == 0
    assert value({"number_match": {"tolerance": 0.01}}, "0.33", "1/3") == 1
    with pytest.raises(UserError, match="needs a number"):
        value("number_match", "1", "many")
    with pytest.raises(UserError, match="0 or more"):
        create({"number_match": {"tolerance": -1.0}})


def test_yes_no_match() -> None:
    assert value("yes_no_match", "No, not at all.", "no") == 1
    assert value("yes_no_match", "No one knows.", "no") == value("yes_no_match", "", "no") == 0
    assert value("yes_no_match", "Yes and no", "yes") == 0
    with pytest.raises(UserError, match="neither yes nor no"):
        value("yes_no_match", "yes", "perhaps")


def test_option_match_and_what_could_not_be_read() -> None:
    options = ["red", "green", "blue"]
    for right in ("green", "B"):
        assert value("option_match", "The answer is B.", right, options=options) == 1
        assert value("option_match", "It is blue", right, options=options) == 0
        assert value("option_match", "A or B", right, options=options) == 0
    assert value("option_unread", "A or B", "B", options=options) == 1
    assert value("option_unread", "green", "B", options=options) == 0
    numbered = {"option_match": {"labels": ["1", "2", "3"]}}
    assert value(numbered, "(2)", "green", options=options) == 1
    assert value(numbered, "Option 3", "2", options=options) == 0
    with pytest.raises(UserError, match="none of its"):
        value("option_match", "A", "pink", options=options)
    with pytest.raises(UserError, match="labels"):
        value({"option_match": {"labels": ["1"]}}, "1", "red", options=options)


def test_digits_without_end_are_no_number() -> None:
    assert read_number("1" * 10_000) is None
    assert read_number("1" * 10_000 + " The answer is 5.") == 5
