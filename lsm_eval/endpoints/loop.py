"""Event loops for requests from code that is not asynchronous."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from lsm_eval.errors import UserError

Made = TypeVar("Made")
_OBJECTS = 20_000  # some MB


class Runner:
    """An `asyncio.Runner` that can still be used after a Ctrl-C.

    If that comes when a coroutine has just ended, asyncio's own leaves a stop in the loop, which ends the next run too early
    (`Event loop stopped before Future completed`): usually the one that closes connections.
    """

    def __init__(self, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self._runner = asyncio.Runner(loop_factory=loop_factory)

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def run(self, coroutine: Coroutine[Any, Any, Made]) -> Made:
        """What the coroutine returns, or raises."""
        try:
            return self._runner.run(coroutine)
        except KeyboardInterrupt:
            loop = self._runner.get_loop()
            loop.call_soon(loop.stop)
            loop.run_forever()  # consumes the stop that was left
            raise

    def close(self) -> None:
        """End the loop and what still runs in it."""
        self._runner.close()


def event_loop() -> Runner:
    """A new event loop. Raises `UserError` inside another one, such as a notebook's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return Runner()
    raise UserError(
        "an endpoint cannot be used where an event loop is running, as in a notebook: use the command line, or another "
        "thread."
    )


async def made(make: Callable[[], Made]) -> Made:
    """What `make` returns, called inside the event loop, as its object requires."""
    return make()


@contextmanager
def infrequent_gc() -> Iterator[None]:
    """Makes garbage collection rare. By default it runs after every 700 new objects, which with hundreds of requests in
    flight took a tenth of the time."""
    before = gc.get_threshold()
    if before[0]:  # 0: it is switched off
        gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
