"""The event loop that requests are asked in."""

from __future__ import annotations

import asyncio

import pytest

from lsm_eval.endpoints.loop import event_loop


def test_it_runs_on_after_a_ctrl_c_that_comes_as_a_coroutine_ends() -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    async def ends() -> None:
        # It comes between the coroutine's end and what asyncio does at its end.
        asyncio.get_running_loop().call_soon(stopped)

    async def closes() -> str:
        await asyncio.sleep(0.01)
        return "closed"

    with event_loop() as runner:
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                runner.run(ends())
            assert runner.run(closes()) == "closed"


def test_one_that_comes_in_the_middle_leaves_nothing() -> None:
    async def waits() -> None:
        asyncio.get_running_loop().call_soon(lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        await asyncio.sleep(5)

    with event_loop() as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.run(waits())
        assert runner.run(asyncio.sleep(0.01, "closed")) == "closed"
