"""A spending limit for concurrent requests: each reserves the most that it can cost before it is sent."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from lsm_eval.endpoints.cost.ledger import Ledger
from lsm_eval.errors import BudgetSpent
from lsm_eval.money import exact, shown

_SHARE = 100  # one part in so many of the limit is taken from the ledger at a time: the most that a killed run counts too much


class SpendingLimit:
    """What may be spent, in picodollars: spent plus reserved never exceeds it. Not thread-safe."""

    def __init__(self, limit: int, ledger: Ledger) -> None:
        self.limit, self._ledger = limit, ledger
        self.before = ledger.taken
        """What earlier runs of the same command used."""
        self.spent = 0
        self.reserved = 0
        """For requests that are under way."""
        self._taken = 0
        self._ended: BudgetSpent | None = None
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def reserve(self, amount: int) -> None:
        """Reserve `amount`, waiting in line until that much is left: requests that are under way may turn out cheaper. Raises
        `BudgetSpent` if it is too much with nothing under way, and then for every later call: the run ends, and answers to
        further requests would be lost."""
        if self._ended is not None:
            raise self._ended
        if not self._waiting and self._fits(amount):
            self.reserved += amount
            return
        if not self._waiting and not self.reserved:
            raise self._end(amount)
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (amount, granted)
        self._waiting.append(entry)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self.settle(amount, 0)  # reserved, but its task was cancelled
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(entry)

    def settle(self, reserved: int, cost: int) -> None:
        """Replace a reserved amount by its actual cost."""
        self.reserved -= reserved
        self.spent += cost
        beyond = self.spent + self.reserved - self._taken
        if beyond > 0:  # a request cost more than its bound
            self._ledger.add(beyond)
            self._taken += beyond
        while self._waiting and self._fits(self._waiting[0][0]):
            amount, granted = self._waiting.popleft()
            if not granted.done():
                self.reserved += amount
                granted.set_result(None)
        if self._waiting and not self.reserved:
            error = self._end(self._waiting[0][0])
            for _, granted in self._waiting:
                if not granted.done():
                    granted.set_exception(error)
            self._waiting.clear()

    def close(self) -> None:
        """Give back to the ledger what was not spent. What is still reserved counts as spent."""
        rest = self._taken - self.spent - self.reserved
        if rest:
            self._ledger.add(-rest)
            self._taken -= rest
        self._ledger.close()

    def _fits(self, amount: int) -> bool:
        need = self.spent + self.reserved + amount - self._taken
        if need <= 0:
            return True
        found = self._ledger.take(need, max(need, self.limit // _SHARE), self.limit)
        self._taken += found
        return found > 0

    def _end(self, amount: int) -> BudgetSpent:
        left = max(self.limit - self._ledger.taken + self._taken - self.spent, 0)
        earlier = f", {shown(self.before)} of it by the same command before" if self.before else ""
        self._ended = BudgetSpent(
            f"--max-cost {exact(self.limit)}: {shown(self.before + self.spent)} is spent{earlier}, and the next request can cost "
            f"{shown(amount)}, more than the {shown(left)} that is left: give a higher --max-cost to the same command."
        )
        return self._ended
