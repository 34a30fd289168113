"""The limiter alone, and against servers with quotas on a simulated clock."""

from __future__ import annotations

import asyncio
import random
import re
from itertools import count
from typing import Any

import pytest
from simulated_server import MIXED, Quotas, ask, seconds_by_chance, simulate

from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.outcome import Outcome, Retryable
from lsm_eval.endpoints.quota import stated_rate
from lsm_eval.endpoints.replica import Job
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.errors import UserError
from lsm_eval.requests import Failure, Generated


def test_one_cut_an_episode() -> None:
    limiter = Limiter()
    assert limiter.limit == 20
    for _ in range(5):
        limiter.overloaded(now=1.0, sent=0.5)
    assert (limiter.limit, limiter.cuts) == (16.0, 1)
    limiter.overloaded(now=1.2, sent=1.1)
    assert limiter.limit == pytest.approx(12.8)
    assert limiter.cuts == 2


def test_slow_start_doubles_a_round_and_ends_with_the_first_cut() -> None:
    limiter = Limiter()
    for at in range(20):
        limiter.answered(now=1.0 + at / 100, sent=0.0, under_way=int(limiter.limit))
    assert limiter.limit == 40
    limiter.overloaded(now=2.0, sent=1.5)
    assert limiter.limit == 32
    limiter.answered(now=2.1, sent=1.5, under_way=32)
    assert 32 <= limiter.limit < 38


def test_it_grows_only_where_it_holds_requests_back() -> None:
    limiter = Limiter()
    for at in range(100):
        limiter.answered(now=1.0 + at, sent=at, under_way=3)
    assert limiter.limit == 20


def test_the_user_s_bound_holds() -> None:
    limiter = Limiter(most=7)
    for at in range(100):
        limiter.answered(now=1.0 + at, sent=at, under_way=7)
    assert limiter.limit == 7
    assert limiter.allows(6, 101.0)
    assert not limiter.allows(7, 101.0)


def test_its_floor_is_one_and_then_it_waits() -> None:
    limiter = Limiter()
    now = 0.0
    for _ in range(100):
        now = max(now + 0.001, limiter.wakes)
        assert limiter.limit >= 1
        assert limiter.allows(0, now)
        limiter.overloaded(now=now + 0.001, sent=now + 0.0005)
    assert limiter.limit == 1
    assert 9 < limiter.wakes - now < 11
    limiter.answered(now=now + 11, sent=now + 10.5, under_way=1)
    assert limiter.wakes - now - 11 < 6


def test_a_fraction_is_spread_evenly() -> None:
    limiter = Limiter(limit=20)
    limiter.limit = 2.5
    allowed = 0
    for _ in range(1000):
        allowed += limiter.allows(2, 1.0)
        limiter.sent(1.0)
    assert 480 < allowed < 520


@pytest.mark.parametrize(
    ("a_minute", "options"),
    [
        (3000, {}),
        (3000, {"holds": 60}),
        (3000, {"retry_after": 89.0}),
        (12000, {"tokens_a_minute": 3000 * 200.0}),
    ],
)
def test_quotas_are_found_and_kept_to(a_minute: float, options: dict[str, Any]) -> None:
    server = Quotas(a_minute, **options)
    steady = (
        60.0 if "holds" in options else 30.0
    )  # a bucket that holds a minute is a start that is no steady state
    found, _ = simulate(ask(server, count(), until=steady + 40))
    capacity = 50.0
    assert server.speed(15, 30) >= 0.9 * capacity
    assert server.speed(steady, steady + 40) >= 0.95 * capacity
    assert server.share_refused(steady, steady + 40) <= 0.02
    assert all(isinstance(response, Generated) for response in found.values())


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0])
def test_a_change_of_quota_is_followed_within_15_seconds(factor: float) -> None:
    server = Quotas(3000)

    async def main() -> None:
        asyncio.get_running_loop().call_at(40, server.change, 3000 * factor)
        await ask(server, count(), until=90)

    simulate(main())
    capacity = 50 * factor
    for start in (55, 65, 75):
        assert server.speed(start, start + 10) >= 0.9 * capacity
    assert server.share_refused(60, 90) <= (0.04 if factor < 0.5 else 0.02)


@pytest.mark.parametrize(
    "a_minute", [20, 30, 40, 60, 120, 300, 600, pytest.param(30_000, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("tells", [False, True])
def test_small_quotas_are_found_and_kept_to(a_minute: float, tells: bool) -> None:
    """Of a server that tells its quota (`x-ratelimit-*`), and of one that only turns away."""
    capacity = a_minute / 60
    long = max(40.0, 200 / capacity)
    server = Quotas(a_minute, tells=tells, holds=60 if tells else 2)
    steady = max(30.0, 100 / capacity)  # a quota is not learnt before it gave some
    simulate(ask(server, count(), until=steady + long))
    assert server.speed(steady, steady + long) >= 0.9 * capacity
    assert server.share_refused(steady, steady + long) <= (0.005 if tells else 0.02)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("number", "shares", "most"),
    [(700, MIXED, 10.0), (5000, MIXED, 20.0), (2000, (0.1, 0, 0), 60.0), (2000, (0, 0.2, 0), 20.0)],
)
def test_failures_by_chance_slow_nothing_much(
    number: int, shares: tuple[float, float, float], most: float, seed: int
) -> None:
    """They come at any pace alike, and are no quota, nor too many at once."""
    assert seconds_by_chance(number, shares, seed) < most


def test_quick_answers_and_a_small_quota() -> None:
    """60 a minute, each answered in 50 ms: one at a time is twenty times too many."""
    server = Quotas(60, seconds=0.05)
    found, _ = simulate(ask(server, iter(range(120))))
    assert len(found) == 120
    assert all(isinstance(response, Generated) for response in found.values())
    assert server.speed(0, server.taken[-1]) > 0.8
    assert server.share_refused(60, 1e9) < 0.03


class _AtOnce:
    """Turns away whatever would be more than so many at once, however few a minute."""

    def __init__(self, most: int) -> None:
        self.most, self.now = most, 0
        self.answered: list[float] = []
        self.refused: list[float] = []
        self.random = random.Random(0)

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.01)
        if self.now >= self.most:
            self.refused.append(loop.time())
            return Retryable("rate_limit", "status 429", overload=True)
        self.now += 1
        await asyncio.sleep(self.random.lognormvariate(0, 0.4))
        self.now -= 1
        self.answered.append(loop.time())
        return Generated("yes", 1, "stop")


@pytest.mark.parametrize("most", [2, 4, 16, 64])
def test_a_server_that_counts_requests_at_once(most: int) -> None:
    """The fewer, the longer it takes to tell it from one with a quota."""
    server = _AtOnce(most)
    learnt = 60 if most < 16 else 30
    _, limiter = simulate(ask(server, count(), until=learnt + 100))
    assert limiter.concurrency_cap.number == most
    assert limiter.pace.rate is None
    assert (
        sum(at >= learnt for at in server.answered) / 100 >= 0.9 * most / 1.093
    )  # the mean of what it takes
    assert sum(at >= learnt for at in server.refused) <= 0.02 * len(server.answered)


def test_one_more_at_once_is_tried_and_kept_where_it_is_taken() -> None:
    server = _AtOnce(8)

    async def main() -> Limiter:
        asyncio.get_running_loop().call_at(100, lambda: setattr(server, "most", 12))
        return (await ask(server, count(), until=300))[1]

    assert simulate(main()).concurrency_cap.number == 12
    assert sum(at >= 200 for at in server.answered) / 100 >= 0.9 * 12 / 1.093


@pytest.mark.parametrize("most", [1, 4, 8])
def test_far_fewer_at_once_from_one_moment_on(most: int) -> None:
    """What it took before, and answers only now, says nothing of what it takes now."""
    server = _AtOnce(64)

    async def main() -> tuple[dict[int, Any], Limiter]:
        asyncio.get_running_loop().call_at(100, lambda: setattr(server, "most", most))
        return await ask(server, count(), until=250)

    found, limiter = simulate(main())
    assert all(isinstance(response, Generated) for response in found.values()), "none is lost"
    assert limiter.concurrency_cap.number == most
    assert sum(at >= 150 for at in server.answered) / 100 >= 0.8 * most / 1.093
    assert sum(at >= 150 for at in server.refused) <= 0.03 * sum(at >= 150 for at in server.answered)


@pytest.mark.parametrize("a_minute", [60, 600, 1200])
@pytest.mark.parametrize("seconds", [0.2, 1.0])
def test_a_quota_is_not_taken_for_a_number_at_once(a_minute: float, seconds: float) -> None:
    server = Quotas(a_minute, seconds=seconds)
    _, limiter = simulate(ask(server, count(), until=150))
    assert limiter.concurrency_cap.number == 0
    assert limiter.pace.rate is not None


class _Warming(_AtOnce):
    """Turns away whatever comes in its first seconds, and takes all after that."""

    def __init__(self, seconds: float) -> None:
        super().__init__(10_000)
        self.until = seconds

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        if asyncio.get_running_loop().time() < self.until:
            await asyncio.sleep(0.01)
            return Retryable("rate_limit", "status 429", overload=True)
        await asyncio.sleep(0.2)
        return Generated("yes", 1, "stop")


@pytest.mark.parametrize(("seconds", "most"), [(0.1, 20.0), (1.0, 22.0), (3.0, 27.0)])
def test_a_server_that_takes_nothing_at_first_is_not_slow_for_long(seconds: float, most: float) -> None:
    async def main() -> float:
        found, _ = await ask(_Warming(seconds), iter(range(2000)), most=64)
        assert len(found) == 2000
        return asyncio.get_running_loop().time()

    assert simulate(main()) < most


def test_the_history_of_a_limit_is_bounded() -> None:
    server = Quotas(1200)
    _, limiter = simulate(ask(server, count(), until=600))
    changes = limiter.history.changes()
    assert limiter.cuts > 64 >= len(changes) > 30
    assert (changes[0].seconds, changes[0].limit, changes[0].why) == (0.0, 20.0, "start")
    assert changes[-1].seconds > 590
    assert [one.seconds for one in changes] == sorted(one.seconds for one in changes)
    assert re.fullmatch(r"rate_limit, \d+(\.\d+)?/s from here", changes[-1].why)


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"limit-requests": "500", "remaining-requests": "20", "reset-requests": "57.6s"}, 480 / 57.6),
        ({"limit-requests": "60", "remaining-requests": "0", "reset-requests": "1m0s"}, 1.0),
        ({"limit-requests": "14400", "remaining-requests": "0", "reset-requests": "24h"}, 1 / 6),
        ({"limit-requests": "500", "remaining-requests": "499", "reset-requests": "120ms"}, None),
        ({"limit-requests": "500", "remaining-requests": "many", "reset-requests": "120ms"}, None),
        ({"limit-requests": "500", "remaining-requests": "0", "reset-requests": "soon"}, None),
        ({"limit-requests": "500", "remaining-requests": "0", "reset-requests": "-1"}, None),
        ({"limit-requests": "nan", "remaining-requests": "0", "reset-requests": "1"}, None),
        ({"remaining-requests": "0"}, None),
        ({}, None),
    ],
)
def test_what_a_server_tells_of_its_quota(headers: dict[str, str], rate: float | None) -> None:
    found = stated_rate({f"x-ratelimit-{name}": text for name, text in headers.items()}, 0.0)
    assert found == (None if rate is None else pytest.approx(rate))


def test_anthropic_tells_a_date() -> None:
    names = {"limit": "50", "remaining": "2", "reset": "1970-01-01T00:01:00Z"}
    headers = {f"anthropic-ratelimit-requests-{name}": text for name, text in names.items()}
    assert stated_rate(headers, 30.0) == pytest.approx(48 / 30)


class _Outage:
    """Nobody there, between two times."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end, self.tried = start, end, 0

    async def attempt(self, job: Job, seconds: float) -> Outcome:
        now = asyncio.get_running_loop().time
        self.tried += 1
        await asyncio.sleep(0.001)
        if self.start < now() < self.end:
            return Retryable("connection", "refused", overload=True)
        await asyncio.sleep(0.2)
        return Generated("yes", 1, "stop")


def test_an_outage_costs_few_requests() -> None:
    server = _Outage(5, 605)
    found, _ = simulate(ask(server, iter(range(20_000)), most=64))
    lost = [response for response in found.values() if isinstance(response, Failure)]
    assert len(found) == 20_000
    assert len(lost) < 150
    assert server.tried < 20_000 + 2_000


def test_retries_end() -> None:
    server = _Outage(0, 1e9)
    found, _ = simulate(ask(server, iter(range(30))))
    assert {response.reason for response in found.values()} == {"unanswered"}
    assert all(re.match(r"connection: refused \(\d tries in \d+ s\)", one.detail) for one in found.values())
    assert server.tried <= 240


def test_a_server_that_is_gone_for_good_ends_the_run() -> None:
    server = _Outage(5, 1e9)
    with pytest.raises(UserError, match="answered nothing for 15 minutes"):
        simulate(ask(server, count(), most=64))
    assert server.tried < 3_000


def test_a_wait_beyond_patience_is_not_begun() -> None:
    server = Quotas(60, seconds=0.05, holds=1, retry_after=901)
    found, _ = simulate(ask(server, iter(range(20)), retry_policy=RetryPolicy()))
    lost = [response for response in found.values() if isinstance(response, Failure)]
    assert lost
    assert all("one try in 0 s, and asked to wait 901 s more" in response.detail for response in lost)


def test_waits_double_and_are_drawn() -> None:
    retry_policy = RetryPolicy()
    assert [retry_policy.wait(tries, None, lambda: 0.0) for tries in (1, 2, 3, 8, 9)] == [
        0.25,
        0.5,
        1,
        30,
        30,
    ]
    assert retry_policy.wait(1, None, lambda: 0.999) == pytest.approx(0.5, abs=0.01)
    assert retry_policy.wait(1, 89.0, lambda: 0.5) == 89.0
