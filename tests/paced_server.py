"""An OpenAI-shaped server in a process of its own that writes at a known pace: what a profile of it must find is known beforehand.

    python paced_server.py '{"first": 0.05, "pace": 0.01}'

prints its port. A request's first token comes `first` seconds after it was read, each further one `pace` seconds after the one before,
until `max_tokens` of them. `slots` requests are computed at a time, the others wait their turn.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.request import Request, urlopen


@dataclass
class Pace:
    """What the server does."""

    first: float = 0.05
    """Seconds until the first token."""
    pace: float = 0.01
    """Seconds from one token to the next."""
    bundle: int = 1
    """Tokens of a chunk; the last one has what is left."""
    counts: str = "end"
    """How tokens are counted: `none`, `end` (once), `each` (so far, in every chunk), `ids` (their ids)."""
    slots: int = 1_000_000
    role_first: bool = False
    """Whether a chunk that names the role comes at once, before the prompt is read."""
    thoughts: int = 0
    """Tokens of thoughts before the answer, among all."""
    tagged: bool = False
    """Whether thoughts stand in the text between tags, rather than in a field of their own."""
    fails: list[int] = field(default_factory=list)
    """Numbers of requests (from 0) that get status 503."""
    cuts: list[int] = field(default_factory=list)
    """Numbers of requests whose connection breaks off after half of the tokens."""
    hangs: list[int] = field(default_factory=list)
    """Numbers of requests that nothing comes of."""
    stops_at: int | None = None
    """Tokens after which an answer ends by itself, whatever was asked for."""
    streams: bool = True
    whole_kind: str = ""
    """`vllm` or `sglang`: what it says that it is."""
    strict: bool = False
    """Whether it refuses fields that OpenAI has not."""
    split: bool = False
    """Whether every chunk is sent in two pieces, a moment apart."""


class _Server(asyncio.Protocol):
    what = Pace()
    number = 0
    busy = 0
    queue: deque[_Answer] = deque()  # noqa: RUF012
    asked: list[dict[str, Any]] = []  # noqa: RUF012
    flushed: list[str] = []  # noqa: RUF012
    times: list[list[int]] = []  # noqa: RUF012

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.held, self.awaited = transport, bytearray(), 0
        self.gone = False

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True

    def data_received(self, data: bytes) -> None:
        self.held += data
        while len(self.held) >= self.awaited and (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.held[:end])
            _, found, after = head.lower().partition(b"content-length:")
            length = int(after.split(b"\r\n", 1)[0]) if found else 0
            self.awaited = end + 4 + length
            if len(self.held) < self.awaited:
                return
            content = bytes(self.held[end + 4 : self.awaited])
            del self.held[: self.awaited]
            self.awaited = 0
            self.answer(head.split(b" ", 2)[1].decode(), content)

    def whole(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.transport.write(head.encode() + data)

    def answer(self, path: str, content: bytes) -> None:
        what = self.what
        if path == "/told":
            self.whole(200, {"asked": _Server.asked, "flushed": _Server.flushed, "times": _Server.times})
        elif path in ("/reset_prefix_cache", "/flush_cache"):
            _Server.flushed.append(path)
            self.whole(200, {})
        elif path == "/v1/models":
            self.whole(200, {"data": [{"id": "paced", "owned_by": what.whole_kind or "me"}]})
        elif not path.startswith("/v1/"):
            self.whole(404, {"error": {"message": "no such page"}})
        else:
            self.ask(path, json.loads(content))

    def ask(self, path: str, body: dict[str, Any]) -> None:
        what = self.what
        if what.strict:
            more = {"ignore_eos", "timings_per_token", "cache_prompt"} & body.keys()
            more |= {"continuous_usage_stats"} & (body.get("stream_options") or {}).keys()
            if more:
                self.whole(400, {"error": {"message": f"unknown field {sorted(more)[0]}"}})
                return
        number = _Server.number
        _Server.number += 1
        _Server.asked.append(body)
        _Server.times.append([time.perf_counter_ns()])
        if number in what.fails:
            self.whole(503, {"error": {"message": "too busy"}})
        elif number not in what.hangs:
            one = _Answer(self, "chat" in path, body, _Server.times[number], cut=number in what.cuts)
            if what.role_first or what.streams:
                one.head()
            if _Server.busy < what.slots:
                one.begin()
            else:
                self.queue.append(one)


class _Answer:
    def __init__(
        self, server: _Server, chat: bool, body: dict[str, Any], times: list[int], *, cut: bool
    ) -> None:
        self.server, self.chat, self.cut, self.times = server, chat, cut, times
        self.most = int(body.get("max_tokens") or body.get("max_completion_tokens") or 16)
        if server.what.stops_at is not None:
            self.most = min(self.most, server.what.stops_at)
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        self.prompt_tokens = len(str(prompt).split()) + (7 if chat else 1)
        self.usage = bool((body.get("stream_options") or {}).get("include_usage"))
        self.written = 0
        self.finish = "stop" if server.what.stops_at is not None else "length"

    def head(self) -> None:
        if self.server.what.streams:
            self.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
        if self.server.what.role_first and self.chat:
            self.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})

    def begin(self) -> None:
        _Server.busy += 1
        loop = asyncio.get_running_loop()
        # Of a bundle all tokens come when its last one is there.
        first = min(self.server.what.bundle, self.most)
        self.at = loop.time() + self.server.what.first + (first - 1) * self.server.what.pace
        loop.call_at(self.at, self.step)

    def step(self) -> None:
        what, server = self.server.what, self.server
        if server.gone:
            self.end()
            return
        count = min(what.bundle, self.most - self.written)
        if what.streams:
            self.part(count)
        self.written += count
        if self.cut and self.written * 2 >= self.most:
            server.transport.abort()
            self.end()
            return
        if self.written < self.most:
            following = min(what.bundle, self.most - self.written)
            self.at += following * what.pace
            asyncio.get_running_loop().call_at(self.at, self.step)
            return
        self.last()
        self.end()

    def part(self, count: int) -> None:
        self.times.append(time.perf_counter_ns())
        what, first = self.server.what, self.written
        thought = [first + at < what.thoughts for at in range(count)]
        texts = [f" w{first + at}" for at in range(count)]
        choice: dict[str, Any] = {"index": 0, "finish_reason": None}
        if what.tagged and what.thoughts:
            texts = [
                ("<think>" if first + at == 0 else "")
                + text
                + ("</think>" if first + at == what.thoughts - 1 else "")
                for at, text in enumerate(texts)
            ]
            thought = [False] * count
        answer = "".join(text for text, is_thought in zip(texts, thought, strict=True) if not is_thought)
        thoughts = "".join(text for text, is_thought in zip(texts, thought, strict=True) if is_thought)
        if self.chat:
            choice["delta"] = {"content": answer} if answer else {}
            if thoughts:
                choice["delta"]["reasoning_content"] = thoughts
        else:
            choice["text"] = answer
        if what.counts == "ids":
            choice["token_ids"] = list(range(count))
        body: dict[str, Any] = {"choices": [choice]}
        if what.counts == "each":
            body["usage"] = self.counted(first + count)
        self.event(body)

    def counted(self, tokens: int) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
        }

    def last(self) -> None:
        what = self.server.what
        choice: dict[str, Any] = {"index": 0, "finish_reason": self.finish}
        if not what.streams:
            message = {"role": "assistant", "content": "w " * self.most}
            choice |= {"message": message} if self.chat else {"text": "w"}
            self.server.whole(200, {"choices": [choice], "usage": self.counted(self.most)})
            return
        choice["delta" if self.chat else "text"] = {} if self.chat else ""
        body: dict[str, Any] = {"choices": [choice]}
        if what.counts == "each":
            body["usage"] = self.counted(self.most)
        self.event(body)
        if self.usage and what.counts in ("end", "each", "ids"):
            self.event({"choices": [], "usage": self.counted(self.most)})
        self.event("[DONE]")
        self.write(b"0\r\n\r\n")

    def end(self) -> None:
        _Server.busy -= 1
        if self.server.queue and _Server.busy < self.server.what.slots:
            self.server.queue.popleft().begin()

    def event(self, body: Any) -> None:
        text = b"data: " + (body if isinstance(body, str) else json.dumps(body)).encode() + b"\n\n"
        chunk = f"{len(text):x}\r\n".encode() + text + b"\r\n"
        if self.server.what.split:
            half = len(chunk) // 2
            self.write(chunk[:half])
            chunk = chunk[half:]
        self.write(chunk)

    def write(self, data: bytes) -> None:
        if not self.server.gone:
            self.server.transport.write(data)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def paced(**options: Any) -> Iterator[str]:
    """Base URL of a server that is so."""
    what = Pace(**options)
    process = subprocess.Popen(
        [sys.executable, __file__, json.dumps(asdict(what))], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()


def told(url: str) -> dict[str, Any]:
    """What a server was asked, how often its cache was flushed, and of each request by the server's own clock (nanoseconds): when it
    was read, and when each part with text was about to be written."""
    with urlopen(Request(url.removesuffix("/v1") + "/told")) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


if __name__ == "__main__":
    _Server.what = Pace(**json.loads(sys.argv[1]))
    asyncio.run(_serve())
