"""An event loop of one's own, for what is asked from code that knows none."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from lsm_eval.errors import UserError

Made = TypeVar("Made")
_OBJECTS = 20_000  # some MB


def event_loop() -> asyncio.Runner:
    """An event loop of its own. Raises `UserError` inside of another, such as a notebook's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.Runner()
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
