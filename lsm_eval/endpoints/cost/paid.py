"""What a model is whose answers cost money."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from lsm_eval.endpoints.cost.account import Account
from lsm_eval.endpoints.cost.prices import Prices
from lsm_eval.requests import Request


@runtime_checkable
class Paid(Protocol):
    """A model behind a server that may charge for answers."""

    account: Account

    def find_prices(self, file: Path | None) -> Prices | None:
        """What its tokens cost: `endpoints.cost.lookup.find_prices`. Raises `UserError`."""
        ...

    def most(self, requests: Sequence[Request]) -> int:
        """Picodollars that one answer to each costs, at most, and what finds out before how they are to be asked; 0 where
        `account` has no prices."""
        ...

    def not_counted(self) -> str:
        """What `most` leaves out, as a sentence; empty where nothing."""
        ...
