"""Sends requests at a fixed concurrency (closed loop), or at times fixed in advance (open loop)."""

from __future__ import annotations

import asyncio
import gc
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lsm_eval.profiling.serving.watch import WatchedLoop
from lsm_eval.profiling.serving.wire import Client, Exchange


@dataclass(slots=True)
class SentLoad:
    """The exchanges of one measurement, and how busy and late the client was."""

    begun: int
    """Start, in nanoseconds on the clock of all time stamps."""
    exchanges: list[Exchange] = field(default_factory=list)
    """In the order of the requests; those that were sent, if the loop was cut short."""
    scheduled: list[int | None] = field(default_factory=list)
    """Scheduled times of the exchanges, parallel."""
    wall: float = 0.0
    """Seconds from the start to the end of the last exchange."""
    cpu: float = 0.0
    """Processor time of this process in that period, in seconds."""
    lags: array[int] = field(default_factory=lambda: array("q"))
    """Nanoseconds that pieces may have waited for their time stamp, and by which the process was woken late."""


async def closed_loop(
    client: Client, path: str, bodies: Sequence[bytes], concurrency: int, seconds: float | None = None
) -> SentLoad:
    """Send all bodies, `concurrency` at a time: each as soon as another has ended. `seconds`: none is started after this time."""
    with _measured(client) as driven:
        until = None if seconds is None else driven.begun + round(1e9 * seconds)
        left = iter(range(len(bodies)))
        found: dict[int, Exchange] = {}

        async def work() -> None:
            for at in left:
                if until is not None and time.perf_counter_ns() >= until:
                    return
                found[at] = await client.ask(path, bodies[at])

        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(bodies))):
                group.create_task(work())
    driven.exchanges = [found[at] for at in sorted(found)]
    driven.scheduled = [None] * len(found)
    return driven


async def open_loop(client: Client, path: str, bodies: Sequence[bytes], times: Sequence[int]) -> SentLoad:
    """Send each body at its time (nanoseconds from the start), whether or not earlier ones have been answered."""
    with _measured(client) as driven:
        tasks: list[asyncio.Task[Exchange]] = []
        async with asyncio.TaskGroup() as group:
            for body, time_ in zip(bodies, times, strict=True):
                await _until(driven.begun + time_)
                tasks.append(group.create_task(client.ask(path, body)))
    driven.exchanges = [task.result() for task in tasks]
    driven.scheduled = [driven.begun + time_ for time_ in times]
    return driven


async def _until(moment: int) -> None:
    """Sleep until this moment: up to a millisecond too long, the resolution of the system's timers."""
    while (left := moment - time.perf_counter_ns()) > 0:
        await asyncio.sleep(left * 1e-9)


@contextmanager
def _measured(client: Client) -> Iterator[SentLoad]:
    """Records the client's lags and processor time in this context, with garbage collection disabled: a collection takes
    tens of milliseconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, WatchedLoop)
    gc.collect()
    collects = gc.isenabled()
    gc.disable()
    ticks = loop.ticking()
    del client.lags[:], loop.watched.late[:]
    cpu = time.process_time()
    driven = SentLoad(time.perf_counter_ns())
    try:
        yield driven
    finally:
        driven.wall = (time.perf_counter_ns() - driven.begun) * 1e-9
        driven.cpu = time.process_time() - cpu
        ticks.cancel()
        driven.lags = client.lags[:]
        driven.lags.extend(loop.watched.late)
        if collects:
            gc.enable()
