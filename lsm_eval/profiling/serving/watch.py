"""An event loop that knows how late it is: every stamp it takes says at most how long the bytes had waited for it.

A timer that measures its own lateness sees the rounding of its clock (a millisecond of epoll's) where nothing is late, and one
moment in a hundred where much is. Here the selector itself keeps the times: it looks before it waits, and what is there
already may have come at any time since it looked last, and is taken to have come right then; what it is woken by came just then, and where it is
woken by the clock it knows how late that was.
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
    """Keeps when it looked."""

    def __init__(self) -> None:
        super().__init__()
        self.since = self.looked = time.perf_counter_ns()
        """`since`: what is being handled came no earlier."""
        self.late = array("q")
        """Nanoseconds by which the system woke the process later than it had asked for."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the standard library's."""
        ready = super().select(0)
        now = time.perf_counter_ns()
        if ready:
            self.since = self.looked  # it was there before anybody waited
        elif timeout is None or timeout > 0:
            start = now
            ready = super().select(timeout)
            now = time.perf_counter_ns()
            self.since = now
            if not ready and timeout is not None:
                asked = math.ceil(timeout * 1e3) * 1_000_000  # epoll's and poll's millisecond
                self.late.append(max(now - start - asked, 0))
        self.looked = now
        return ready


class WatchedLoop(asyncio.SelectorEventLoop):
    """An event loop on such a selector, which wakes a hundred times a second whatever happens."""

    def __init__(self) -> None:
        self.watched = WatchedSelector()
        super().__init__(self.watched)

    def ticking(self) -> Any:
        """Wake up regularly, so that a quiet loop is measured, too; call `cancel()` on what comes back."""
        return _Ticks(self)


class _Ticks:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer = loop.call_later(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_SECONDS, self._tick)

    def cancel(self) -> None:
        """No more."""
        self._timer.cancel()
