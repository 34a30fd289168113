"""Amounts of money: read, shown, and added without drift."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lsm_eval.errors import UserError
from lsm_eval.money import DOLLAR, exact, read_dollars, shown, token_price


@pytest.mark.parametrize(
    ("text", "amount"), [("5", 5 * DOLLAR), ("$0.1", DOLLAR // 10), (" 1e-3 ", 10**9), ("0", 0)]
)
def test_amounts_are_read(text: str, amount: int) -> None:
    assert read_dollars(text, "--max-cost") == amount


@pytest.mark.parametrize("text", ["", "five", "-1", "nan", "inf", "1,5", "1e30", "5 USD"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(UserError, match=r"--max-cost .*give an amount of US dollars"):
        read_dollars(text, "--max-cost")


def test_a_tenth_ten_times_is_one() -> None:
    assert sum([read_dollars("0.1", "")] * 10) == DOLLAR
    assert exact(sum([token_price(Decimal("0.1"))] * 3_000_000)) == "0.3"


def test_a_price_of_too_many_digits_is_rounded_up() -> None:
    assert token_price(Decimal("0.1000000000000001")) == 100_001
    assert token_price(Decimal("0.0375")) == 37_500


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (5 * DOLLAR, "$5.00"),
        (DOLLAR // 8, "$0.125"),
        (123_456_789, "$0.0001235"),
        (10**15, "$1,000.00"),
    ],
)
def test_amounts_are_shown(amount: int, text: str) -> None:
    assert shown(amount) == text


def test_every_digit_is_kept() -> None:
    assert [exact(one) for one in (1, DOLLAR, DOLLAR + 5, 0)] == [
        "0.000000000001",
        "1",
        "1.000000000005",
        "0",
    ]
