"""A transport that pays for what it sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.cost.account import Account
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Again
from lsm_eval.endpoints.transport import Transport


class PaidTransport(Transport):
    """Reserves the most that a request can cost before it is sent, and settles what came back."""

    def __init__(self, address: Address, key: Key, account: Account) -> None:
        super().__init__(address, key)
        self._account = account

    async def post(
        self, path: str, body: bytes, seconds: float, *, alone: bool = False, **more: Any
    ) -> tuple[int, bytes, Mapping[str, str]] | Again:
        """As `Transport.post`. Raises `BudgetSpent` where it cannot be paid for."""
        with await self._account.reserve(body) as paying:
            found = await super().post(path, body, seconds, alone=alone, **more)
            paying.settle(found)
        return found
