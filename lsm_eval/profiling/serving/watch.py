"""An event loop that measures its own lag: for every time stamp, an upper limit for how long the bytes had waited.

A timer that measures its own delay only sees the clock's resolution (a millisecond for epoll) if nothing is late, and samples
one moment in a hundred if much is. Here the selector itself records the times. It polls before it waits: data that is already there
may have arrived at any time since the last poll, and counts as having arrived right after it; data that wakes it up arrived
just then; and if it is woken by the clock, it knows by how much that was late.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from array import array
from typing import Any

_TICK_SECONDS = 0.01


class WatchedSelector(selectors.DefaultSelector):
    """A selector that records when it polled."""

    def __init__(self) -> None:
        super().__init__()
        self.since = self.looked = time.perf_counter_ns()
        """`since`: the data being handled arrived no earlier."""
        self.late = array("q")
        """Nanoseconds by which the system woke the process later than requested."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector.select`."""
        ready = super().select(0)
        now = time.perf_counter_ns()
        if ready:
            self.since = self.looked  # it may have been there since the last poll
        elif timeout is None or timeout > 0:
            start = now
            ready = super().select(timeout)
            now = time.perf_counter_ns()
            self.since = now
            if not ready and timeout is not None:
                wait = math.ceil(timeout * 1e3) * 1_000_000  # epoll's and poll's millisecond
                self.late.append(max(now - start - wait, 0))
        self.looked = now
        return ready


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop on such a selector, which can wake up a hundred times a second."""

    def __init__(self) -> None:
        self.watched = WatchedSelector()
        super().__init__(self.watched)

    def ticking(self) -> Any:
        """Wake up regularly, so that an idle loop is measured, too; call `cancel()` on the result to stop."""
        return _Ticks(self)


class _Ticks:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer = loop.call_later(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)

    def cancel(self) -> None:
        """Stop waking up."""
        self._timer.cancel()
