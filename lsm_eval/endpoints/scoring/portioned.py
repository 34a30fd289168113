"""Sends rows in portions, with a limited number of prompts and tokens per request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.inference.scoring.plain import TokenRow

PROMPTS = 32
"""The most prompts in one request."""
TOKENS = 32_768
"""The most tokens in one request: an answer has about 150 bytes for each."""


async def in_portions(
    rows: Sequence[TokenRow],
    ask: Callable[[Sequence[TokenRow]], Awaitable[Sequence[dict[str, Any]]]],
    read: Callable[[dict[str, Any], TokenRow], list[TokenNumber]],
) -> list[list[TokenNumber]]:
    """The log-probabilities of each row, which `read` takes from the row's part of the answer; `ask` returns one part per row. Raises
    what they raise."""
    found: list[list[TokenNumber]] = []
    for some in portions(rows, prompts=PROMPTS, tokens=TOKENS):
        parts = await ask(some)
        found += [read(part, row) for part, row in zip(parts, some, strict=True)]
    return found


def portions(rows: Sequence[TokenRow], *, prompts: int, tokens: int) -> list[list[TokenRow]]:
    """`rows` in order, divided into requests of at most so many prompts and tokens, each with at least one row."""
    found: list[list[TokenRow]] = []
    room = 0
    for row in rows:
        if not found or len(found[-1]) >= prompts or len(row.tokens) > room:
            found.append([])
            room = tokens
        found[-1].append(row)
        room -= len(row.tokens)
    return found
