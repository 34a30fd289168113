"""An event loop of one's own, for what is asked from code that knows none."""

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
    """An `asyncio.Runner` that runs on after a Ctrl-C.

    Where that comes as a coroutine has just ended, asyncio's own leaves in the loop what was to end its run, and that ends
    the next one before its end (`Event loop stopped before Future completed`): closing connections, as a rule.
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
            loop.run_forever()  # once: what was left is taken
            raise

    def close(self) -> None:
        """End the loop and what still runs in it."""
        self._runner.close()


def event_loop() -> Runner:
    """An event loop of its own. Raises `UserError` inside of another, such as a notebook's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return Runner()
    raise UserError(
        "an endpoint cannot be asked where an event loop runs already, as in a notebook: use the command line, or a "
        "thread of its own."
    )


async def made(make: Callable[[], Made]) -> Made:
    """What must be made inside the event loop that it lives in."""
    return make()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Python looks for cycles of garbage after every 700 new objects; with hundreds of requests under way those are what
    lives, and looking at them again and again took a tenth of the time."""
    before = gc.get_threshold()
    if before[0]:  # 0: somebody switched it off
        gc.set_threshold(max(before[0], _OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
