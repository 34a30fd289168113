"""Rows that are scored go to a server some at a time, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from lsm_eval.endpoints.scoring.numbers import TokenNumber
from lsm_eval.endpoints.scoring.portioned import PROMPTS, TOKENS, in_portions, portions
from lsm_eval.inference.scoring.plain import TokenRow


def rows(*lengths: int) -> list[TokenRow]:
    return [TokenRow(tuple(range(length)), 1) for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ((), []),
        ((5,), [1]),
        ((1,) * 9, [4, 4, 1]),
        ((6, 4, 1), [2, 1]),
        ((40, 40), [1, 1]),  # longer than there is room for: one each at least
        ((3, 20, 3), [1, 1, 1]),
    ],
)
def test_so_many_prompts_and_tokens_at_most(lengths: tuple[int, ...], sizes: list[int]) -> None:
    sent = rows(*lengths)
    found = portions(sent, prompts=4, tokens=10)
    assert [len(one) for one in found] == sizes
    assert [row for one in found for row in one] == sent


def test_each_row_has_its_own_numbers() -> None:
    sent = rows(*range(1, PROMPTS + 9), TOKENS, 3)
    asked: list[int] = []

    async def ask(some: Sequence[TokenRow]) -> list[dict[str, Any]]:
        asked.append(len(some))
        return [{"length": len(row.tokens)} for row in some]

    def read(part: dict[str, Any], row: TokenRow) -> list[TokenNumber]:
        assert part["length"] == len(row.tokens)
        return [TokenNumber(-float(part["length"]), False)]

    found = asyncio.run(in_portions(sent, ask, read))
    assert [-one[0].logprob for one in found] == [len(row.tokens) for row in sent]
    assert asked == [PROMPTS, 8, 1, 1]
