"""Retries for small requests before a run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.scoring.calling import Unanswered

T = TypeVar("T")
_WAITS = (0.2, 1.0, 3.0)
_LONGEST = 60.0


async def with_retries(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` returns. Raises `Unanswered` if the last try did, or if another try would not help."""
    for wait in _WAITS:
        try:
            return await ask()
        except Unanswered as error:
            found = error.outcome
            if not isinstance(found, Retryable) or error.lacking:
                raise
            await asyncio.sleep(min(max(wait, found.wait or 0.0), _LONGEST))
    return await ask()
