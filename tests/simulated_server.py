"""A server with quotas, and an event loop whose clock runs as fast as the computer: minutes of asking in a second."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Coroutine, Iterator
from typing import Any

from lsm_eval.endpoints.fleet import Fleet
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.outcome import Outcome, Retryable
from lsm_eval.endpoints.quota import stated_rate
from lsm_eval.endpoints.replica import Job, Replica
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.endpoints.window import Window
from lsm_eval.requests import Generated, Response


class _NoWaiting(selectors.SelectSelector):
    """Never waits for a file: the clock goes forward instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits, and for nothing"
        self.now += max(timeout, 0.0)
        return []


class _SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._simulated = _NoWaiting()
        super().__init__(self._simulated)

    def time(self) -> float:
        return self._simulated.now


def simulate(main: Coroutine[Any, Any, Any]) -> Any:
    """Run on a simulated clock, which begins at 0."""
    loop = _SimulatedLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


class Bucket:
    """A quota a minute that fills evenly and holds so many seconds of it."""

    def __init__(self, a_minute: float, holds_seconds: float) -> None:
        self.rate = a_minute / 60
        self.most = self.level = max(self.rate * holds_seconds, 1.0)
        self.at = 0.0

    def has(self, amount: float, now: float) -> bool:
        self.level = min(self.most, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level >= amount


class Quotas:
    """Answers after a while, and turns away what is over its quotas at once."""

    def __init__(
        self,
        requests_a_minute: float,
        tokens_a_minute: float = 1e12,
        *,
        seconds: float = 1.0,
        holds: float = 2.0,
        retry_after: float | None = None,
        seed: int = 0,
        tells: bool = False,
    ) -> None:
        self.holds, self.tells = holds, tells
        self.limiter: Limiter | None = None
        self.seconds, self.retry_after = seconds, retry_after
        self.requests = Bucket(requests_a_minute, holds)
        self.tokens = Bucket(tokens_a_minute, holds)
        self.random = random.Random(seed)
        self.taken: list[float] = []
        """When each request that was let in came."""
        self.refused: list[float] = []

    def change(self, requests_a_minute: float) -> None:
        """Another quota, from now on."""
        self.requests.has(0, asyncio.get_running_loop().time())
        self.requests.rate = requests_a_minute / 60
        self.requests.most = max(self.requests.rate * self.holds, 1.0)

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        now = asyncio.get_running_loop().time
        await asyncio.sleep(0.01)
        tokens = self.random.randint(50, 350)
        if not (self.requests.has(1, now()) and self.tokens.has(tokens, now())):
            self.refused.append(now())
            self._tell(now())
            await asyncio.sleep(0.02)
            return Retryable("rate_limit", "status 429", self.retry_after, overload=True)
        self.requests.level -= 1
        self.tokens.level -= tokens
        self.taken.append(now())
        await asyncio.sleep(self.seconds * self.random.lognormvariate(0, 0.4))
        self._tell(now())
        return Generated("yes", tokens, "stop")

    def _tell(self, now: float) -> None:
        """What the headers of an answer say."""
        if not self.tells or self.limiter is None:
            return
        self.requests.has(0, now)
        left = int(self.requests.level)
        headers = {
            "x-ratelimit-limit-requests": f"{self.requests.most:.0f}",
            "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": f"{1000 * (self.requests.most - left) / self.requests.rate:.0f}ms",
        }
        rate = stated_rate(headers, 0.0)
        if rate is not None:
            self.limiter.quota_stated(now, rate)

    def speed(self, start: float, end: float) -> float:
        """Requests a second that were let in between two times."""
        return sum(start <= at < end for at in self.taken) / (end - start)

    def share_refused(self, start: float, end: float) -> float:
        """Share of the tries that were turned away."""
        no, yes = (sum(start <= at < end for at in times) for times in (self.refused, self.taken))
        return no / max(no + yes, 1)


async def ask(
    server: Any,
    places: Iterator[int],
    *,
    until: float = float("inf"),
    most: int = 4096,
    retry_policy: RetryPolicy | None = None,
    seed: int = 0,
) -> tuple[dict[int, Response], Limiter]:
    """Ask a simulated server, until a time or until all is answered."""
    loop = asyncio.get_running_loop()
    limiter = server.limiter = Limiter(most)
    window = Window(
        places, Fleet([Replica("", limiter, server.attempt)]), retry_policy or RetryPolicy(), seed=seed
    )
    found: dict[int, Response] = {}
    while not window.finished and loop.time() < until:
        found.update(await window.take(1.0))
    await window.close()
    return found, limiter


MIXED = (0.025, 0.05, 0.125)
"""Shares of tries that are turned away with 429, with 503 (or not taken), and whose answers are not whole, in a server that
fails a fifth of the time in sixteen ways."""


class Faulty:
    """Fails by chance, however much or little it is sent."""

    def __init__(self, shares: tuple[float, float, float], *, seconds: float = 0.005, seed: int = 0) -> None:
        self.shares, self.seconds = shares, seconds
        self.random = random.Random(seed)
        self.limiter: Limiter | None = None

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        drawn = self.random.random()
        await asyncio.sleep(self.seconds * (0.5 + self.random.random()))
        quota, overload, broken = self.shares
        if drawn < quota:
            return Retryable("rate_limit", "status 429", overload=True)
        if drawn < quota + overload:
            return Retryable("server_error", "status 503", overload=True)
        if drawn < quota + overload + broken:
            return Retryable("malformed", "not whole")
        return Generated("yes", 1, "stop")


def seconds_by_chance(number: int, shares: tuple[float, float, float], seed: int) -> float:
    """How long so many requests take at such a server, back-off waits of single ones among it."""
    retry_policy = RetryPolicy(attempt_seconds=0.4, first_wait=0.05, longest_wait=0.4, tries=20)

    async def main() -> float:
        server = Faulty(shares, seed=seed)
        found, _ = await ask(server, iter(range(number)), most=64, retry_policy=retry_policy, seed=seed)
        assert all(isinstance(response, Generated) for response in found.values())
        assert len(found) == number
        return asyncio.get_running_loop().time()

    took: float = simulate(main())
    return took
