"""Amounts of money as whole numbers of picodollars (10⁻¹² US dollars), so that sums are exact."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation

from lsm_eval.errors import UserError

DOLLAR = 10**12
MILLION = 1_000_000
_MOST_DOLLARS = 10**9


def read_dollars(text: str, option: str) -> int:
    """The amount that an option gives, in picodollars. Raises `UserError` if it is not an amount."""
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or not 0 <= amount <= _MOST_DOLLARS:
        raise UserError(f"{option} {text}: give an amount of US dollars, such as 5 or 0.25.")
    return int(amount * DOLLAR)


def token_price(price: Decimal, per: int = MILLION) -> int:
    """The price of one token in picodollars, rounded up; `price`: dollars for `per` tokens."""
    return int((price * DOLLAR / per).to_integral_value(ROUND_CEILING))


def exact(amount: int) -> str:
    """Picodollars as a decimal number of dollars, with all digits."""
    whole, rest = divmod(amount, DOLLAR)
    digits = f"{rest:012}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def shown(amount: int) -> str:
    """Picodollars as dollars for a reader: to the cent from one dollar on, below that to four significant digits."""
    dollars = Decimal(amount) / DOLLAR
    if amount == 0 or dollars >= 1:
        return f"${dollars:,.2f}"
    places = max(2, 3 - dollars.adjusted())
    text = f"{dollars:.{places}f}".rstrip("0")
    return f"${text.ljust(4, '0')}"
