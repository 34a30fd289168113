"""What does a request to a server cost the client, in CPU time?

    python benchmarks/endpoints.py [--requests N] [--rounds N] [--in-flight 64,512]

A server in a process of its own, on loopback, answers every chat after a while that keeps so many requests in flight. Counted
is the CPU time (user and system) of this process from the list of requests to their responses: their keys, the look-up in the
store, sending, reading, and the store's write of every answer; not imports. CPU time says the same on a machine that does
other work, and a core does 1,000,000 / µs requests a second. Prints the median over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.inference.store import ResponseStore
from lsm_eval.models.base import EndpointOptions
from lsm_eval.progress import Silent
from lsm_eval.requests import Generate, Generated, Request
from lsm_eval.runner.ask import ask_requests

BAR = 250.0
"""Microseconds a request."""
_SERVED = (
    3000.0  # requests a second that the server's pause makes, so that neither side is what is waited for
)
_PROMPT = "Question: what is {} times seven, and why is that so? Answer in one sentence, please.\n" * 8
_TEXT = "Seven times that is what one gets by adding it to itself six times over, and no more than that."


class _Server(asyncio.Protocol):
    """HTTP as far as a client that behaves needs it."""

    pause = 0.0
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.held = transport, b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            _, found, after = head.partition(b"content-length:")
            length = int(after.split(b"\r\n", 1)[0]) if found else 0
            if len(self.held) < end + 4 + length:
                return
            self.held = self.held[end + 4 + length :]
            asyncio.get_running_loop().call_later(self.pause if length else 0, self.answer)

    def answer(self) -> None:
        _Server.count += 1
        message = {"role": "assistant", "content": _TEXT}
        usage = {"prompt_tokens": 160, "completion_tokens": 24, "total_tokens": 184}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps(
            {"id": f"c-{_Server.count}", "object": "chat.completion", "choices": [choice], "usage": usage}
        )
        self.transport.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )


async def _serve(pause: float) -> None:
    _Server.pause = pause
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(pause: float) -> Iterator[str]:
    """Base URL of a server in a process of its own, which answers after `pause` seconds."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(pause)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()


def cpu_seconds() -> float:
    """User and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(url: str, count: int, in_flight: int) -> tuple[float, float]:
    """CPU microseconds a request, and seconds in all."""
    requests: list[Request] = [Generate(_PROMPT.format(*range(at, at + 8)), chat=True) for at in range(count)]
    model = EndpointModel("benchmark", EndpointOptions(url, max_concurrency=in_flight))
    with (
        tempfile.TemporaryDirectory(prefix="lsm-eval-endpoints-") as folder,
        ResponseStore(Path(folder), "benchmark") as store,
    ):
        before, began = cpu_seconds(), time.perf_counter()
        responses, _ = ask_requests(requests, {}, model, "benchmark", store, Silent())
        used, took = cpu_seconds() - before, time.perf_counter() - began
    assert all(isinstance(response, Generated) for response in responses)
    return 1e6 * used / count, took


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code is 1 where a median is over the bar."""
    parser = argparse.ArgumentParser(prog="endpoints.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--in-flight", default="64,512", metavar="N,N")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve is not None:
        asyncio.run(_serve(given.serve))
        return 0
    worst = 0.0
    for in_flight in map(int, given.in_flight.split(",")):
        with serving(in_flight / _SERVED) as url:
            measure(url, 500, in_flight)  # what is imported and compiled once
            found = [measure(url, given.requests, in_flight) for _ in range(given.rounds)]
        costs = [cost for cost, _ in found]
        median = statistics.median(costs)
        worst = max(worst, median)
        print(
            f"{in_flight} in flight: {median:.0f} µs a request ({min(costs):.0f} to {max(costs):.0f}), that is "
            f"{1e6 / median:,.0f} requests/s a core; {given.requests:,} took {statistics.median(s for _, s in found):.1f} s"
        )
    print(f"bar: {BAR:.0f} µs a request{'' if worst <= BAR else ', NOT held'}")
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
