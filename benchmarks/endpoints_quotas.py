"""How much of a server's quota is used, and how many requests it turns away, on a simulated clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from simulated_server import MIXED, Quotas, ask, seconds_by_chance, simulate

_STEADY = 30.0
_LEARNT = 100  # requests, until a small quota is learnt: that many are a hundred seconds of 60 a minute
_CHANGED, _FOLLOWED = 100.0, 115.0


@dataclass(frozen=True)
class _Server:
    """A quota in requests a minute, and what else there is to it."""

    a_minute: float
    what: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    requests: float | None = None
    """What it comes to, in requests a minute, where it is not `a_minute`."""


_SERVERS = [
    *(_Server(rate) for rate in (20, 30, 40, 60, 120, 300, 600, 1200, 3000, 12_000, 30_000)),
    *(_Server(rate, "told in headers", {"tells": True, "holds": 60}) for rate in (20, 60, 600, 3000)),
    _Server(600, "answers after 50 ms", {"seconds": 0.05}),
    _Server(600, "answers after 5 s", {"seconds": 5.0}),
    _Server(600, "Retry-After: 89", {"retry_after": 89.0}),
    _Server(12_000, "600,000 tokens a minute", {"tokens_a_minute": 600_000.0}, 3000),
    _Server(12_000, "120,000 tokens a minute", {"tokens_a_minute": 120_000.0}, 600),
]


def quotas() -> Iterator[str]:
    """A line a server."""
    for one in _SERVERS:
        capacity = (one.requests or one.a_minute) / 60
        start = max(_STEADY, _LEARNT / capacity)
        long = min(max(100.0, 1000 / capacity), 900.0)
        server = Quotas(one.a_minute, **one.options)
        simulate(ask(server, count(), until=start + long))
        used, refused = (
            server.speed(start, start + long) / capacity,
            server.share_refused(start, start + long),
        )
        bad = "" if used >= 0.9 and refused <= 0.02 else ", NOT held"
        yield (
            f"{one.a_minute:,.0f} requests a minute{', ' if one.what else ''}{one.what}: {100 * used:.0f} % used, "
            f"{100 * refused:.1f} % turned away{bad}"
        )


def by_chance() -> Iterator[str]:
    """A line a way and share in which requests fail whatever is sent: seconds until all are answered."""
    for what, count_, shares, bar in (
        ("700 requests, 20 % of sixteen faults", 700, MIXED, 10.0),
        ("5,000 requests, 20 % of sixteen faults", 5000, MIXED, 60.0),
        ("5,000 requests, 1 % answered 429", 5000, (0.01, 0.0, 0.0), 60.0),
        ("5,000 requests, 10 % answered 429", 5000, (0.1, 0.0, 0.0), 60.0),
        ("5,000 requests, 20 % answered 429", 5000, (0.2, 0.0, 0.0), 60.0),
        ("5,000 requests, 20 % answered 503", 5000, (0.0, 0.2, 0.0), 60.0),
    ):
        seconds = [seconds_by_chance(count_, shares, seed) for seed in range(3)]
        bad = "" if max(seconds) <= bar else ", NOT held"
        yield f"{what}, answers after 5 ms: {', '.join(f'{one:.1f}' for one in sorted(seconds))} s{bad}"


def changes() -> Iterator[str]:
    """A line a quota and change of it: what is used from 15 s later on."""
    for a_minute in (200, 600, 3000):
        for factor in (0.25, 0.5, 2.0):
            server = Quotas(a_minute)
            simulate(_changed(server, a_minute * factor))
            used = server.speed(_FOLLOWED, _FOLLOWED + 60) / (a_minute * factor / 60)
            yield (
                f"{a_minute:,} a minute, then {a_minute * factor:,.0f}: {100 * used:.0f} % used from 15 s later"
                f"{'' if used >= 0.9 else ', NOT held'}"
            )


async def _changed(server: Quotas, a_minute: float) -> None:
    asyncio.get_running_loop().call_at(_CHANGED, server.change, a_minute)
    await ask(server, count(), until=_FOLLOWED + 60)
