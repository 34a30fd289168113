"""What a way of asking for log-probabilities is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.inference.scoring.plain import TokenRow


class Route(Protocol):
    """One way of asking. What it says is taken for a fact only once it is proved (`proof`)."""

    @property
    def name(self) -> str:
        """As records show it."""
        ...

    @property
    def spare(self) -> int:
        """Of the server's context, so many tokens cannot be used: those that it must be able to write, and the last
        one of a row, which a model in process need not read."""
        ...

    async def numbers(
        self, caller: Caller, rows: Sequence[TokenRow], seconds: float
    ) -> list[list[TokenNumber]]:
        """Of each row, the numbers of its scored tokens. Raises `Unanswered`."""
        ...

    async def likeliest(
        self, caller: Caller, tokens: Sequence[int], seconds: float
    ) -> tuple[int | str, float]:
        """The token that the server itself writes next (its id, or its text where no id is told), and its
        log-probability: by another way than `numbers`. Raises `Unanswered`."""
        ...
