"""The protocol of a way to get log-probabilities from a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.inference.scoring.plain import TokenRow


class Route(Protocol):
    """One way to get log-probabilities. Its values are used only after they are verified (`proof`)."""

    @property
    def name(self) -> str:
        """The name that records show."""
        ...

    @property
    def spare(self) -> int:
        """How many tokens of the server's context cannot be used: those that it must be able to generate, and the last one
        of a row, which a local model need not read."""
        ...

    async def numbers(
        self, caller: Caller, rows: Sequence[TokenRow], seconds: float
    ) -> list[list[TokenNumber]]:
        """The log-probabilities of each row's scored tokens. Raises `Unanswered`."""
        ...

    async def likeliest(
        self, caller: Caller, tokens: Sequence[int], seconds: float
    ) -> tuple[int | str, float]:
        """The token that the server itself generates next (its id, or its text if the server gives no id) and its
        log-probability, found by another way than `numbers`. Raises `Unanswered`."""
        ...
