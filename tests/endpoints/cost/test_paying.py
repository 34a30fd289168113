"""Whoever sends something with a model's key pays for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from openai_server import Server, completion

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.cost.account import Account
from lsm_eval.endpoints.cost.ledger import Ledger
from lsm_eval.endpoints.cost.prices import Prices, Rates, flat
from lsm_eval.endpoints.cost.spending_limit import SpendingLimit
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.transport import Transport
from lsm_eval.errors import BudgetSpent

PRICES = Prices((Rates(flat(1), flat(10), flat(1), flat(1), flat(10)),), "a test")


def _post(server: Server, account: Account, path: str, body: bytes) -> Any:
    async def main() -> Any:
        transport = Transport(read_address(server.url), replace(Key("secret-of-16-letters"), account=account))
        try:
            return await transport.post(path, body, 5.0)
        finally:
            await transport.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "body", "cost"),
    [
        ("chat/completions", b'{"model": "m", "messages": [{"content": "a"}], "max_tokens": 9}', 3 + 20),
        ("completions", b'{"model": "m", "prompt": "a", "max_tokens": 9}', 3 + 20),
        ("completion", b'{"model": "m", "prompt": "a", "n_predict": 9}', 3 + 20),
        ("tokenize", b'{"model": "m", "prompt": "a"}', 0),
    ],
)  # fmt: skip
def test_every_path_at_which_a_model_computes(path: str, body: bytes, cost: int, server: Server) -> None:
    server.answer = lambda asked: completion(asked, "two words")
    account = Account(PRICES, SpendingLimit(10_000, Ledger(None, "a")))
    assert _post(server, account, path, body)[0] == 200
    assert account.tally.spent == cost
    assert account.tally.tries == bool(cost)


def test_what_cannot_be_paid_is_not_sent(server: Server) -> None:
    account = Account(PRICES, SpendingLimit(100, Ledger(None, "a")))
    with pytest.raises(BudgetSpent):
        _post(server, account, "completions", b'{"model": "m", "prompt": "a", "max_tokens": 9}')
    assert server.bodies == []


@pytest.mark.parametrize(
    ("body", "new"),
    [
        (b'{"max_tokens": 7}', 7),
        (b'{"max_completion_tokens":8}', 8),
        (b'{"max_output_tokens": 9, "stop": ["' + b"x" * 9000 + b'"]}', 9),
        (b'{"sampling_params": {"max_new_tokens": 3}}', 3),
        (b'{"prompt": "\\"max_tokens\\": 99", "max_tokens": 7}', 7),
        (b'{"prompt": "no limit at all"}', 1),
        # Each of several prompts is answered; what is for thoughts alone is a part of the whole.
        (b'{"prompt": [[1, 2], [3], [4, 5]], "max_tokens": 2}', 6),
        (
            b'{"input_ids": [[1, 2], [3]], "sampling_params": {"max_new_tokens": 1}, "logprob_start_len": [0, 1]}',
            2,
        ),
        (b'{"prompt": [1, 2, 3], "max_tokens": 2}', 2),
        (b'{"prompt": "[[1], [2], [3]]", "max_tokens": 2}', 2),
        (b'{"max_tokens": 900, "a": "' + b"x" * 9000 + b'", "reasoning": {"max_tokens": 5}}', 900),
    ],
)
def test_bounds(body: bytes, new: int) -> None:
    prompt, found = Account().bounds(body)
    assert found == new
    assert prompt >= len(body)
