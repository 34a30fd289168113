"""Work in a thread of its own where an event loop runs."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
import time

import pytest

from lsm_eval.python.beside_loop import beside_loop

NAME = contextvars.ContextVar("NAME", default="nobody")


def test_without_a_loop_it_stays_where_it_is() -> None:
    assert beside_loop(threading.current_thread) is threading.main_thread()


def test_what_it_raises_without_a_loop_has_no_other_cause() -> None:
    def fails() -> None:
        raise ValueError("own")

    with pytest.raises(ValueError, match="own") as caught:
        beside_loop(fails)
    assert caught.value.__context__ is None


def test_with_one_it_may_have_a_loop_of_its_own() -> None:
    async def elsewhere() -> str:
        return f"{NAME.get()} in {threading.current_thread().name}"

    async def notebook() -> str:
        NAME.set("somebody")
        return beside_loop(lambda: asyncio.run(elsewhere()))

    assert asyncio.run(notebook()) == "somebody in lsm-eval"


def test_what_it_raises_is_raised_here() -> None:
    def work() -> None:
        raise LookupError("nothing")

    async def notebook() -> None:
        beside_loop(work)

    with pytest.raises(LookupError, match="nothing") as caught:
        asyncio.run(notebook())
    assert [entry.name for entry in caught.traceback][-1] == "work"


def test_a_ctrl_c_ends_it_before_it_is_raised() -> None:
    left: list[str] = []

    def work() -> None:
        try:
            for _ in range(1000):
                time.sleep(0.01)
        except KeyboardInterrupt:
            left.append("stopped")
            raise

    async def notebook() -> None:
        # As a notebook's kernel has it: the signal is Python's own, and no loop's.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        waits = threading.get_ident()
        threading.Timer(0.2, lambda: signal.pthread_kill(waits, signal.SIGINT)).start()
        beside_loop(work)

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            asyncio.new_event_loop().run_until_complete(notebook())
    finally:
        signal.signal(signal.SIGINT, before)
    assert left == ["stopped"]
