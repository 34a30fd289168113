"""What a request costs the client in CPU time, and what it costs others."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from endpoints_server import serving

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.inference.store import ResponseStore
from lsm_eval.models.base import EndpointOptions
from lsm_eval.progress import Silent
from lsm_eval.requests import Generate, Generated, Request
from lsm_eval.runner.ask import ask_requests

BAR = 250.0
"""Microseconds a request."""
PROMPT = "Question: what is {} times seven, and why is that so? Answer in one sentence, please.\n" * 8
_SERVED = (
    3000.0  # requests a second that the server's pause makes, so that neither side is what is waited for
)
_ALIKE = 1.10  # what a byte may cost of long prompts and answers, times that of shorter ones
_LONG = 400_000  # characters, 100,000 tokens
_DELAY = 0.02  # seconds until an answer, in the comparison at defaults


def cpu_seconds() -> float:
    """User and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def prompts(count: int) -> list[str]:
    """Of 700 characters, no two alike."""
    return [PROMPT.format(*range(at, at + 8)) for at in range(count)]


def measure(url: str, texts: list[str], in_flight: int = 512) -> tuple[float, float]:
    """CPU microseconds a request, from the list of requests to their responses, the store's write included; and seconds
    in all."""
    requests: list[Request] = [Generate(text, chat=True) for text in texts]
    model = EndpointModel("benchmark", EndpointOptions(url, max_concurrency=in_flight))
    with (
        tempfile.TemporaryDirectory(prefix="lsm-eval-endpoints-") as folder,
        ResponseStore(Path(folder), "benchmark") as store,
    ):
        before, began = cpu_seconds(), time.perf_counter()
        responses, _ = ask_requests(requests, {}, model, "benchmark", store, Silent())
        used, took = cpu_seconds() - before, time.perf_counter() - began
    assert all(isinstance(response, Generated) for response in responses)
    return 1e6 * used / len(texts), took


def bare(url: str, texts: list[str], in_flight: int) -> float:
    """CPU microseconds a request of aiohttp alone, with nothing done to the answers."""
    import aiohttp

    bodies = iter([json.dumps({"prompt": text, "model": "benchmark"}).encode() for text in texts])

    async def main() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def work() -> None:
                for body in bodies:
                    async with session.post(f"{url}/completions", data=body) as response:
                        await response.read()

            await asyncio.gather(*(work() for _ in range(in_flight)))

    before = cpu_seconds()
    asyncio.run(main())
    return 1e6 * (cpu_seconds() - before) / len(texts)


def peer(python: str, url: str, count: int, in_flight: int) -> tuple[float, float]:
    """CPU microseconds a request, and seconds in all, of lm-eval's `local-completions`, in a process of its own."""
    done = subprocess.run(
        [python, str(Path(__file__).with_name("endpoints_peer.py")), url, str(count), str(in_flight)],
        capture_output=True,
        text=True,
        check=True,
    )
    used, took = json.loads(done.stdout.splitlines()[-1])
    return used, took


def cost(count: int, rounds: int, in_flights: list[int], python: str | None) -> Iterator[str]:
    """Lines on the cost a request; the last one says whether the bar is held."""
    worst = 0.0
    for in_flight in in_flights:
        texts = prompts(count)
        with serving(in_flight / _SERVED) as url:
            measure(url, prompts(500), in_flight)  # what is imported and compiled once
            ours, alone, theirs = [], [], []
            for _ in range(rounds):  # in turn: the machine may be busier now than a minute ago
                ours.append(measure(url, texts, in_flight)[0])
                alone.append(bare(url, texts, in_flight))
                if python:
                    theirs.append(peer(python, url, count, in_flight)[0])
        median = statistics.median(ours)
        worst = max(worst, median)
        yield (
            f"{in_flight} in flight: {median:.0f} µs a request ({min(ours):.0f} to {max(ours):.0f}), that is "
            f"{1e6 / median:,.0f} requests/s a core; aiohttp alone {statistics.median(alone):.0f} µs"
        )
        if theirs:
            yield (
                f"  lm-eval's local-completions: {statistics.median(theirs):.0f} µs ({min(theirs):.0f} to "
                f"{max(theirs):.0f}), {statistics.median(theirs) / median:.2f} times ours"
            )
    yield f"bar: {BAR:.0f} µs a request{'' if worst <= BAR else ', NOT held'}"


def at_defaults(count: int, python: str) -> Iterator[str]:
    """Lines on the time of both with what they do by default, against answers that take 20 ms."""
    with serving(_DELAY) as url:
        measure(url, prompts(200))
        _, ours = measure(url, prompts(count))
        _, theirs = peer(python, url, count, 1)
    yield (
        f"at defaults, answers after 20 ms: {count / ours:,.0f} requests/s, lm-eval {count / theirs:,.0f}: "
        f"{theirs / ours:.1f} times{'' if theirs >= 3 * ours else ', NOT 3 times'}"
    )


def bytes_alike(rounds: int) -> Iterator[str]:
    """Lines on what a byte costs, beyond what a request does: of prompts of 100,000 tokens against those of 25,000, and
    of answers of 1 MB against those of 250 kB."""
    for what, sizes, count in (("prompts", (_LONG // 4, _LONG), 100), ("answers", (2**18, 2**20), 60)):
        found: dict[int, list[float]] = {size: [] for size in (0, *sizes)}
        for _ in range(rounds):
            for size in found:
                texts = [
                    f"{at} {'a word and ' * ((size if what == 'prompts' else 0) // 11)}"
                    for at in range(count)
                ]
                with serving(0.0, size if what == "answers" else 0) as url:
                    found[size].append(min(measure(url, texts, 4)[0] for _ in range(3)))
        least = {size: min(costs) for size, costs in found.items()}
        less, more = ((least[size] - least[0]) / size for size in sizes)
        yield (
            f"{what} of {sizes[1]:,} bytes: {1000 * more:.2f} ns a byte, of {sizes[0]:,} {1000 * less:.2f}: "
            f"{more / less:.2f} times{'' if more <= _ALIKE * less else ', NOT within 10 %'}"
        )
