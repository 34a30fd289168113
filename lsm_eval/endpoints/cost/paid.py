"""The protocol of models whose answers cost money."""

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
        """Its prices (`endpoints.cost.lookup.find_prices`). Raises `UserError`."""
        ...

    def most(self, requests: Sequence[Request]) -> int:
        """The most that one answer to each can cost, and the probe before, in picodollars; 0 if `account` has no prices."""
        ...

    def not_counted(self) -> str:
        """What `most` leaves out, as a sentence; empty if nothing."""
        ...
