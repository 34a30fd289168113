"""The window by itself: bounded, complete, and its errors are raised."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.outcome import Outcome, Retryable
from lsm_eval.endpoints.replica import Job, Replica
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.window import Window
from lsm_eval.errors import UserError
from lsm_eval.requests import Generated


async def _count(requests: int, most: int = 64) -> tuple[int, int]:
    """How many were answered, and how many tasks there were at once, at most."""
    tasks = 0

    async def attempt(job: Job, seconds: float) -> Outcome:
        nonlocal tasks
        await asyncio.sleep(0)
        if job.place % 997 == 0:
            tasks = max(tasks, len(asyncio.all_tasks()))
        if job.place % 50 == 7 and job.tries == 1:
            return Retryable("server_error", "status 500")
        return Generated("yes", 1, "stop")

    window = Window(
        iter(range(requests)), Fleet([Replica("", Limiter(most), attempt)]), RetryPolicy(first_wait=0.001)
    )
    answered = 0
    while not window.finished:
        answered += len(await window.take(1.0))
    await window.close()
    return answered, tasks


def _peak(requests: int) -> int:
    """Bytes, at most, that asking so many held."""
    tracemalloc.start()
    answered, tasks = asyncio.run(_count(requests))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answered == requests
    assert tasks <= 70, "there is no task a request"
    return peak


@pytest.mark.parametrize("many", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_requests(many: int) -> None:
    _peak(100)  # what is imported and cached once
    seconds = 9 * many  # how long each took is kept, a float each
    assert _peak(many) - _peak(1000) < 3_000_000 + seconds


def test_an_error_of_an_attempt_is_raised_and_ends_the_rest() -> None:
    async def attempt(job: Job, seconds: float) -> Outcome:
        await asyncio.sleep(0.001)
        if job.place == 30:
            raise UserError("no more")
        return Generated("yes", 1, "stop")

    seen: set[int] = set()

    async def main() -> None:
        window = Window(iter(range(10_000)), Fleet([Replica("", Limiter(8), attempt)]), RetryPolicy())
        try:
            while not window.finished:
                seen.update(await window.take(1.0))
        finally:
            await window.close()

    with pytest.raises(UserError, match="no more"):
        asyncio.run(main())
    assert set(range(24)) <= seen, "what was answered before is handed over"
    assert len(seen) < 60


def test_nothing_to_ask() -> None:
    assert asyncio.run(_count(0)) == (0, 0)


def test_taking_nothing_in_time() -> None:
    async def attempt(job: Job, seconds: float) -> Outcome:
        await asyncio.sleep(0.05)
        return Generated("yes", 1, "stop")

    async def main() -> None:
        window = Window(iter([5]), Fleet([Replica("", Limiter(), attempt)]), RetryPolicy())
        assert await window.take(0.001) == {}
        assert not window.finished
        assert await window.take(1.0) == {5: Generated("yes", 1, "stop")}
        assert window.finished
        assert window.waiting() == (0, 0.0)

    asyncio.run(main())
