"""What one model costs: upper bounds before a request is sent, and a tally of what was charged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from types import TracebackType
from typing import Any

from lsm_eval.endpoints.cost.prices import Prices
from lsm_eval.endpoints.cost.spending_limit import SpendingLimit
from lsm_eval.endpoints.cost.usage import Usage, read_usage
from lsm_eval.endpoints.outcome import Retryable

_LIMIT = re.compile(
    rb'"(?<!"reasoning": \{")(?:max_(?:completion_|output_|new_)?tokens|n_predict)": ?(\d{1,12})\b'
)
"""The limit of new tokens, not that of thoughts alone. The quotation mark stands first, which makes the search ten times as fast."""
_PROMPTS = re.compile(rb'"(?:prompt|input_ids)": ?\[\[')
"""A request with several prompts of token ids, each with an answer."""
_BEHIND = 4096  # bytes at the end of a request, where the limit is looked for first
_TEMPLATE_TOKENS = 64
"""Tokens that a server's chat template may add beyond one for each byte that is sent."""
_MAY_BE_CHARGED = frozenset({408, 504, 524})
"""Timeouts of proxies: the server behind them may have answered."""


@dataclass
class Tally:
    """Sums over the tries that were, or may have been, charged."""

    tries: int = 0
    assumed: int = 0
    """Those of them without a count of tokens (no complete answer, no usage). Their cost is taken to be the upper bound, and
    their tokens are not included below."""
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    spent: int = 0
    """Picodollars, those of `assumed` included."""
    spent_assumed: int = 0


@dataclass
class Account:
    """The costs of one model at its server."""

    prices: Prices | None = None
    """None if unknown."""
    spending_limit: SpendingLimit | None = None
    """None without a limit."""
    note: Callable[[str], None] = lambda text: None
    tally: Tally = field(default_factory=Tally)
    _more_input: int = _TEMPLATE_TOKENS
    _more_output: Fraction = Fraction(1)
    """The largest ratio of an answer's new tokens to those that were allowed."""

    def bounds(self, body: bytes) -> tuple[int, int]:
        """The most tokens that a request's prompt and its answer can have. A prompt's token is at least one byte of the body."""
        new = _most_new(body)
        if self._more_output != 1:
            new = ceil(new * self._more_output)
        return len(body) + self._more_input, new

    def most(self, body: bytes) -> int:
        """The most that one try can cost, in picodollars; 0 if prices are unknown."""
        return self.prices.most(*self.bounds(body)) if self.prices else 0

    async def reserve(self, body: bytes) -> Reservation:
        """Reserve the most that the request can cost, as soon as that much is left. Raises `BudgetSpent`."""
        found = self.unlimited(body)
        if found is not None:
            return found
        assert self.spending_limit is not None
        amount = self.most(body)
        await self.spending_limit.reserve(amount)
        return Reservation(self, body, amount)

    def unlimited(self, body: bytes) -> Reservation | None:
        """The same if there is no limit, which nothing has to wait for; None if there is one."""
        return Reservation(self, body, self.most(body)) if self.spending_limit is None else None

    def settle(self, body: bytes, reserved: int, used: Usage | None, *, charged: bool) -> None:
        """Record the cost of a finished try: the reserved amount if it is `charged` and `used` is None."""
        cost, tally = 0, self.tally
        if used is not None:
            tally.input += used.input
            tally.cached += used.cached
            tally.output += used.output
            tally.reasoning += used.reasoning
            if self.prices is not None:
                cost = self.prices.cost(used)
                self._learn(body, used)
        elif charged:
            cost = reserved
            tally.assumed += 1
            tally.spent_assumed += cost
        tally.tries += used is not None or charged
        tally.spent += cost
        if self.spending_limit is not None:
            self.spending_limit.settle(reserved, cost)

    def _learn(self, body: bytes, used: Usage) -> None:
        """Raise the bounds if they were exceeded: a server may add its own text before every prompt, or not limit
        thoughts."""
        if used.input > len(body) + self._more_input:
            self._more_input = used.input - len(body)
        new = self.bounds(body)[1]
        if used.output > new:
            first = self._more_output == 1
            self._more_output = Fraction(used.output, max(_most_new(body), 1))
            if first and self.spending_limit is not None:
                self.note(
                    f"the server charges {used.output:,} new tokens where {new:,} were allowed: from now on so many are expected, "
                    "and requests that are under way may exceed --max-cost."
                )


class Reservation:
    """The amount reserved for one try. Without `settle` it counts in full, as the try may have been charged."""

    __slots__ = ("_account", "_body", "_open", "_reserved")

    def __init__(self, account: Account, body: bytes, reserved: int) -> None:
        self._account, self._body, self._reserved = account, body, reserved
        self._open = True

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(None, charged=True)

    def settle(self, found: Retryable | tuple[int, bytes, Any]) -> None:
        """Settle by the result of `Transport.post`."""
        if isinstance(found, Retryable):
            # If no connection was made, nothing is charged.
            self._close(
                read_usage(found.counted), charged=not (found.fault == "connection" and found.overload)
            )
        elif found[0] == 200:
            self._close(read_usage(found[1]), charged=True)
        else:
            self._close(None, charged=found[0] in _MAY_BE_CHARGED)

    def _close(self, used: Usage | None, *, charged: bool) -> None:
        if self._open:
            self._open = False
            self._account.settle(self._body, self._reserved, used, charged=charged)


def _most_new(body: bytes) -> int:
    """The most new tokens that a request asks for, over all its prompts; one per prompt if it names no number, as such
    requests ask for none."""
    found = _LIMIT.search(body, max(len(body) - _BEHIND, 0)) or _LIMIT.search(body)
    new = int(found.group(1)) if found else 1
    return new * (body.count(b"], [") + 1) if _PROMPTS.search(body) else new
