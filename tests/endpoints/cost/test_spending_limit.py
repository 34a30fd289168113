"""A limit that many requests under way draw on is never passed, whatever they turn out to cost."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_server import simulate

from lsm_eval.endpoints.cost.account import Account
from lsm_eval.endpoints.cost.ledger import Ledger
from lsm_eval.endpoints.cost.prices import Prices, Rates, flat
from lsm_eval.endpoints.cost.spending_limit import SpendingLimit
from lsm_eval.endpoints.cost.usage import Usage
from lsm_eval.errors import BudgetSpent

PRICES = Prices((Rates(flat(20), flat(80), flat(5), flat(25), flat(80)),), "a test")


async def _spend(
    spending_limit: SpendingLimit, seed: int, tries: int, together: int, free: float
) -> tuple[int, int, bool]:
    """What tries cost in truth, how many were under way at once, and whether the spending limit ended it."""
    draw = random.Random(seed)
    account = Account(PRICES, spending_limit)
    bill = most = now = 0
    left = list(range(tries))

    async def worker() -> None:
        nonlocal bill, most, now
        while left:
            left.pop()
            body = b'{"max_tokens": %d}' % draw.randint(1, 400) + b" " * draw.randint(0, 900)
            prompt, new = account.bounds(body)
            with await account.reserve(body) as paying:
                now += 1
                most = max(most, now)
                await asyncio.sleep(draw.lognormvariate(0, 1))
                now -= 1
                read = draw.randint(0, prompt)
                used = Usage(read, draw.randint(0, new), cached=draw.randint(0, read))
                if draw.random() < free:
                    paying.settle((429, b"", {}))
                elif draw.random() < 0.1:
                    bill += PRICES.cost(used)  # charged, and the answer is lost
                else:
                    bill += PRICES.cost(used)
                    count = b'{"prompt_tokens": %d, "completion_tokens": %d, "prompt_tokens_details": {"cached_tokens": %d}}'
                    paying.settle((200, b'"usage": ' + count % (used.input, used.output, used.cached), {}))
            assert (
                bill
                <= spending_limit.spent
                <= spending_limit.spent + spending_limit.reserved
                <= spending_limit.limit
            )

    tasks = [asyncio.create_task(worker()) for _ in range(together)]
    ended = False
    try:
        await asyncio.gather(*tasks)
    except BudgetSpent:
        ended = True
        assert spending_limit.reserved == 0, "what is under way comes back first"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert spending_limit.reserved == 0
    assert account.tally.spent == spending_limit.spent
    return bill, most, ended


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(0, 4_000_000),
    together=st.integers(1, 60),
    free=st.sampled_from((0.0, 0.3)),
)
def test_the_limit_holds(seed: int, limit: int, together: int, free: float) -> None:
    spending_limit = SpendingLimit(limit, Ledger(None, "a"))
    bill, _, ended = simulate(_spend(spending_limit, seed, 200, together, free))
    assert bill <= spending_limit.spent <= limit
    assert ended or spending_limit.spent > 0


def test_the_limit_holds_with_a_thousand_under_way() -> None:
    spending_limit = SpendingLimit(60_000_000, Ledger(None, "a"))
    bill, most, ended = simulate(_spend(spending_limit, 1, 10_000, 1000, 0.1))
    assert most == 1000
    assert ended
    assert 50_000_000 < bill <= 60_000_000


def test_who_came_first_goes_first() -> None:
    async def main() -> list[str]:
        spending_limit, went = SpendingLimit(100, Ledger(None, "a")), []
        await spending_limit.reserve(90)

        async def one(name: str, amount: int) -> None:
            await spending_limit.reserve(amount)
            went.append(name)

        tasks = [asyncio.create_task(one("large", 80)), asyncio.create_task(one("small", 5))]
        await asyncio.sleep(1)
        assert went == [], "a small one does not pass a large one that waits"
        spending_limit.settle(90, 10)
        await asyncio.gather(*tasks)
        assert (spending_limit.spent, spending_limit.reserved) == (10, 85)
        return went

    assert simulate(main()) == ["large", "small"]


def test_who_waits_may_be_gone() -> None:
    async def main() -> None:
        spending_limit = SpendingLimit(100, Ledger(None, "a"))
        await spending_limit.reserve(90)
        task = asyncio.create_task(spending_limit.reserve(50))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        late = asyncio.create_task(spending_limit.reserve(60))
        await asyncio.sleep(1)
        spending_limit.settle(90, 0)
        late.cancel()  # granted already, and not there any more
        await asyncio.gather(late, return_exceptions=True)
        assert spending_limit.reserved == 0
        await spending_limit.reserve(100)

    simulate(main())


def test_what_was_spent_counts_when_it_goes_on(tmp_path: Path) -> None:
    async def spend(limit: int, command: str, cost: int) -> SpendingLimit:
        spending_limit = SpendingLimit(limit, Ledger(tmp_path, command))
        await spending_limit.reserve(200)
        spending_limit.settle(200, cost)
        return spending_limit

    first = asyncio.run(spend(1000, "a", 150))
    first.close()
    second = asyncio.run(spend(1000, "a", 100))
    assert (first.before, second.before) == (0, 150)
    second.close()
    killed = asyncio.run(
        spend(1000, "a", 100)
    )  # never closed: what it took ahead counts, a hundredth or one bound at most
    assert killed.before == 250
    third = SpendingLimit(1000, Ledger(tmp_path, "a"))
    assert 350 <= third.before <= 450
    assert SpendingLimit(1000, Ledger(tmp_path, "b")).before == 0
    with pytest.raises(
        BudgetSpent, match=r"by the same command before, and the next request can cost \$0.0000000009"
    ):
        asyncio.run(third.reserve(900))


def test_two_processes_share_a_limit(tmp_path: Path) -> None:
    async def main() -> int:
        purses = [SpendingLimit(1000, Ledger(tmp_path, "a")) for _ in range(2)]
        spent = 0
        for _ in range(20):
            for spending_limit in purses:
                try:
                    await spending_limit.reserve(70)
                except BudgetSpent:
                    continue
                spending_limit.settle(70, 60)
                spent += 60
        return spent

    assert 800 < asyncio.run(main()) <= 1000


def test_a_server_that_charges_more_than_was_allowed_is_found_out() -> None:
    notes: list[str] = []

    async def main() -> None:
        account = Account(PRICES, SpendingLimit(10**9, Ledger(None, "a")), note=notes.append)
        body = b'{"max_tokens": 10}'
        assert account.bounds(body)[1] == 10
        with await account.reserve(body) as paying:
            paying.settle((200, b'"usage": {"prompt_tokens": 500, "completion_tokens": 25}', {}))
        assert account.bounds(body) == (500, 25)
        assert account.bounds(b'{"max_tokens": 20}')[1] == 50

    asyncio.run(main())
    assert len(notes) == 1
    assert "charges 25 new tokens where 10 were allowed" in notes[0]
