"""Timeouts of all tries, checked by one timer: a timer for each would cost a tenth of what a request does."""

from __future__ import annotations

import asyncio

_LOOKS_SECONDS = 0.25


class Deadlines:
    """The deadlines of one event loop. A timeout comes at most a quarter of a second late."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> Deadline:
        """Used as `with deadlines.within(5):`. Raises `TimeoutError` if the block takes longer."""
        return Deadline(self, self._loop.time() + seconds)

    def _add(self, deadline: Deadline) -> None:
        self._running.add(deadline)
        if self._timer is None:
            self._timer = self._loop.call_later(_LOOKS_SECONDS, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        for deadline in list(self._running):
            if deadline.at <= now:
                deadline.expire()
        self._timer = self._loop.call_later(_LOOKS_SECONDS, self._look) if self._running else None


class Deadline:
    """One deadline; it cancels its task as `asyncio.timeout` does."""

    __slots__ = ("_before", "_expired", "_of", "_task", "at")

    def __init__(self, of: Deadlines, at: float) -> None:
        self._of, self.at = of, at
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._before = task, task.cancelling()
        self._of._add(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._of._running.discard(self)
        if self._expired and self._task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the task, once."""
        if not self._expired:
            self._expired = True
            self._task.cancel()
