"""A bounded window over any number of requests: as many in flight as the limiter allows, and some waiting to be retried.

Memory holds requests in flight, waiting ones, and answers that were not taken yet, but never a task for each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections.abc import Iterator

from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.outcome import Outcome, Refused, Retryable
from lsm_eval.endpoints.replica import Job, Replica
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import UserError
from lsm_eval.requests import Failure, Likelihood, Response, set_seconds

_MOST_WAITING = 10_000
_TOGETHER_SECONDS = 0.01  # answers that come within this time are returned, and stored, together
_MOST_TOGETHER = 256
_SPARES = frozenset({"connection", "timeout", "server_error", "rate_limit"})
"""Failures that concern the server rather than the request: another server may be tried at once."""


class Window:
    """Tries the requests of `places` at the servers of a fleet until each has a response."""

    def __init__(
        self, places: Iterator[int], fleet: Fleet, retry_policy: RetryPolicy, *, seed: int = 0
    ) -> None:
        self._places, self._fleet, self._retry_policy = places, fleet, retry_policy
        self._uniform = random.Random(seed).random
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[float, int, Job]] = []
        """Heap of requests to be retried, by time."""
        self._count = 0
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: dict[int, Response] = {}
        self._something = asyncio.Event()
        self._fresh = True
        """Whether there may be untried requests."""
        self._timer: asyncio.TimerHandle | None = None
        self._error: BaseException | None = None
        self._good = self._loop.time()
        """Time of the last answer."""
        self.retried = 0
        """Tries beyond the first."""
        for replica in self._fleet.replicas:
            if not replica.live:
                self._look_for(replica)

    @property
    def finished(self) -> bool:
        """Whether all responses were taken."""
        return self._error is None and not (self._done or self._under_way or self._waiting or self._fresh)

    async def take(self, seconds: float) -> dict[int, Response]:
        """The next responses by index; empty if none came within `seconds`, or all were taken. Raises what an attempt
        raised."""
        await self.wait(seconds)
        return self.taken()

    async def wait(self, seconds: float) -> None:
        """Wait for responses, for at most `seconds`."""
        self._fill()
        if not self._done and self._error is None and not self.finished:
            self._something.clear()
            # Not `asyncio.wait_for`: in Python 3.11 it swallows a Ctrl-C that coincides with an answer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._something.wait()
            if self._done and self._under_way > 1:
                await asyncio.sleep(_TOGETHER_SECONDS)

    def taken(self) -> dict[int, Response]:
        """The responses so far, by index. Raises what an attempt raised, after all earlier responses were taken."""
        done = self.left()
        if self._error is not None and not done:
            raise self._error
        return done

    def left(self) -> dict[int, Response]:
        """The same without raising; after `close`, the responses that were not taken."""
        done, self._done = self._done, {}
        return done

    async def close(self) -> None:
        """Cancel what is in flight."""
        self._fresh = False
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def waiting(self) -> tuple[int, float]:
        """How many requests wait to be retried, and the longest time until one is, in seconds."""
        now = self._loop.time()
        return len(self._waiting), max([0.0, *(due - now for due, _, _ in self._waiting)])

    def _fill(self) -> None:
        """Start as many requests as the limiter allows."""
        while (job := self._next()) is not None:
            task = self._loop.create_task(self._work(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> Job | None:
        """The next request to try now; None if there is none, or none may be sent."""
        now = self._loop.time()
        if len(self._done) >= _MOST_TOGETHER * 4 or self._error is not None:
            return None  # taking the answers starts more
        again = self._waiting[0][2] if self._waiting and self._waiting[0][0] <= now else None
        replica = None if again is None else self._fleet.free(now, again.spared)
        held = again is not None and replica is None
        if held:  # it waits for another server than the one that has room
            again = None
        if replica is None:
            replica = self._fleet.free(now)
        if replica is None:
            self._wake(now, self._fleet.wakes(now))
            return None
        job: Job | None = None
        if again is not None:
            job = heapq.heappop(self._waiting)[2]
        elif self._fresh and len(self._waiting) < _MOST_WAITING:
            place = self._fleet.fresh(replica, self._places)
            if place is None:
                self._fresh = False
                self._something.set()
            else:
                job = Job(place, since=now)
        if job is None:
            self._wake(now, self._fleet.wakes(now) if held else now)
            return None
        job.tries += 1
        job.replica, job.sent, job.beside = replica, now, replica.under_way
        self._under_way += 1
        replica.under_way += 1
        replica.limiter.sent(now)
        return job

    def _wake(self, now: float, paused: float) -> None:
        """Set the timer for when the next request is due and a server takes one (at `paused`)."""
        due = now if self._fresh else self._waiting[0][0] if self._waiting else None
        if due is not None and paused <= now and self._waiting:
            due = self._waiting[0][0]  # an untried one starts when another ends
        at = now if due is None else max(due, paused)
        if self._timer is not None:
            if self._timer.when() == at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._ring) if at > now else None

    def _ring(self) -> None:
        self._timer = None
        self._fill()

    async def _work(self, job: Job | None) -> None:
        """Try one request after another until none is left."""
        try:
            while job is not None:
                left = self._retry_policy.seconds - (job.sent - job.since)
                assert job.replica is not None
                assert job.replica.attempt is not None
                outcome = await job.replica.attempt(
                    job, min(max(left, 1.0), self._retry_policy.attempt_seconds)
                )
                self._settle(job, job.replica, outcome)
                job = self._next()
                if job is not None and (self._waiting or not self._fleet.full(job.sent)):
                    self._fill()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 (raised when the answers are taken)
            self._error = error
            self._something.set()

    def _settle(self, job: Job, replica: Replica, outcome: Outcome) -> None:
        now = self._loop.time()
        gone = replica.settle(outcome)
        if isinstance(outcome, Retryable):
            if (
                outcome.overload or gone
            ):  # a proxy accepts all requests for a dead server, and each try is lost
                replica.limiter.overloaded(
                    now,
                    job.sent,
                    quota=outcome.fault == "rate_limit",
                    beside=job.beside,
                    why=outcome.fault,
                )
                self._check_alive(outcome, now)
            self._under_way -= 1
            replica.under_way -= 1
            job.fault = outcome.fault
            others = self._fleet.others(replica)
            if gone and replica.live and others:
                self._fleet.take_out(replica, outcome)
                self._look_for(replica)
            if others and outcome.fault in _SPARES and replica not in job.spared:
                job.spared += (replica,)
                job.tries -= 1
                job.since += now - job.sent
                self._try_again(job, now)
                return
            wait = self._retry_policy.wait(job.tries, outcome.wait, self._uniform)
            late = now + wait - job.since >= self._retry_policy.seconds
            if job.tries < self._retry_policy.tries and not late:
                self._try_again(job, now + wait)
                return
            self._finish(job, Failure("unanswered", _why(job, outcome, now)))
            return
        self._good = now
        replica.limiter.answered(now, job.sent, replica.under_way, job.beside)
        self._under_way -= 1
        replica.under_way -= 1
        if isinstance(outcome, Refused):
            self._finish(job, Failure("refused", f"the server refuses it ({outcome.detail})"))
        else:
            took = now - job.sent
            replica.took.append(took)
            sent = outcome.tokens if isinstance(outcome, Likelihood) else True  # an empty text is not sent
            if sent and not isinstance(outcome, Failure):
                set_seconds(outcome, took)
            self._finish(job, outcome)

    def _try_again(self, job: Job, due: float) -> None:
        self._count += 1
        self.retried += 1
        heapq.heappush(self._waiting, (due, self._count, job))

    def _look_for(self, replica: Replica) -> None:
        """Check now and then whether a server that was taken out can be reached again."""

        async def look() -> None:
            there = False
            while not there:
                await asyncio.sleep(replica.next_look())
                there = replica.look is None or await replica.look()
            self._fleet.take_in(replica)
            self._fill()

        task = self._loop.create_task(look())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _check_alive(self, outcome: Retryable, now: float) -> None:
        """Raises `UserError` if the server has stopped answering, and there are more requests."""
        if now - self._good >= self._retry_policy.seconds and self._fresh:
            raise UserError(
                f"the server has answered nothing for {(now - self._good) / 60:.0f} minutes ({outcome.fault}: "
                f"{outcome.detail}): run the same command again when it does."
            )

    def _finish(self, job: Job, response: Response) -> None:
        self._done[job.place] = response
        self._something.set()


def _why(job: Job, outcome: Retryable, now: float) -> str:
    tries = f"{job.tries} tries" if job.tries > 1 else "one try"
    asked = f", and asked to wait {outcome.wait:.0f} s more" if outcome.wait else ""
    return f"{outcome.fault}: {outcome.detail} ({tries} in {now - job.since:.0f} s{asked})"
