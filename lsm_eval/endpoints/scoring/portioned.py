"""Rows sent some at a time: so many prompts and tokens in one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.inference.scoring.plain import TokenRow

PROMPTS = 32
"""In one request, at most."""
TOKENS = 32_768
"""In one request, at most: an answer has about 150 bytes for each."""


async def in_portions(
    rows: Sequence[TokenRow],
    ask: Callable[[Sequence[TokenRow]], Awaitable[Sequence[dict[str, Any]]]],
    read: Callable[[dict[str, Any], TokenRow], list[TokenNumber]],
) -> list[list[TokenNumber]]:
    """Of each row, the numbers that `read` finds in its part of what `ask` was answered, which has one part a row. Raises what they do."""
    found: list[list[TokenNumber]] = []
    for some in portions(rows, prompts=PROMPTS, tokens=TOKENS):
        parts = await ask(some)
        found += [read(part, row) for part, row in zip(parts, some, strict=True)]
    return found


def portions(rows: Sequence[TokenRow], *, prompts: int, tokens: int) -> list[list[TokenRow]]:
    """`rows` in order, cut into requests of so many prompts and tokens at most; one row each at least."""
    found: list[list[TokenRow]] = []
    room = 0
    for row in rows:
        if not found or len(found[-1]) >= prompts or len(row.tokens) > room:
            found.append([])
            room = tokens
        found[-1].append(row)
        room -= len(row.tokens)
    return found
