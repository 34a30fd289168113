"""A process between a client and a server that does to answers what networks, proxies and overloaded servers do.

    python tests/fault_proxy.py http://127.0.0.1:8000 [--rate 0.2] [--seed 7] [--minute 60] [--without twice]

Prints its own address. `GET /faults` tells what it did: faults by name, and how often each prompt was asked and answered whole.
It asks the server for every answer once, whole, and then spoils it, so that the server is the same with and without faults.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

FAULTS = (
    "429",
    "429 with Retry-After",
    "500",
    "reset before",
    "reset inside",
    "truncated JSON",
    "malformed JSON",
    "stall",
    "stall inside",
    "twice",
    "drip",
    "without a word",
    "half a stream",
)
_STORM = 0.002  # minutes for which everything is turned away
_STORMS = 1 / 8  # of the requests that would be turned away for one: a storm hits others, too
_EVENTS = b"text/event-stream"


def _http(status: int, content: bytes, *headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} X",
        "Content-Type: application/json",
        *headers,
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _unchunked(data: bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            return b"".join(parts)
        parts.append(data[:length])
        data = data[length + 2 :]


@dataclass
class Answer:
    """What the server answered."""

    status: int
    kind: bytes
    """Its media type."""
    content: bytes

    @property
    def streamed(self) -> bool:
        return self.kind.startswith(_EVENTS)

    def events(self) -> list[bytes]:
        """Of a stream, each with the blank line that ends it."""
        text = self.content.replace(b"\r\n", b"\n")
        return [part + b"\n\n" for part in text.split(b"\n\n") if part.strip()]

    def parts(self, events: list[bytes] | None = None) -> list[bytes]:
        """As HTTP: all at once, or each event by itself, and what ends them."""
        if not self.streamed:
            return [_http(self.status, self.content)]
        head = f"HTTP/1.1 {self.status} X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        chunks = [
            f"{len(one):x}\r\n".encode() + one + b"\r\n"
            for one in (self.events() if events is None else events)
        ]
        return [head, *chunks, b"0\r\n\r\n"]


@dataclass
class Proxy:
    """Stands before one server."""

    host: str
    port: int
    rate: float
    minute: float
    """Seconds that a stall of a minute takes."""
    random: random.Random
    kinds: tuple[str, ...] = FAULTS
    faults: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    storm: tuple[str, float] = ("", 0.0)
    """What all requests get, and until when."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the client."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                _, found, after = head.lower().partition(b"content-length:")
                length = int(after.partition(b"\r\n")[0]) if found else 0
                content = await reader.readexactly(length)
                if not await self._one(head.split(b" ", 2)[1], head, content, writer):
                    break
                await writer.drain()
        writer.transport.abort()

    async def _one(self, path: bytes, head: bytes, content: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        if path == b"/faults":
            told = {"faults": self.faults, "asked": self.asked, "answered": self.answered}
            writer.write(_http(200, json.dumps(told).encode()))
            return True
        if head.startswith(b"GET"):
            found = await self._fetch(b"GET", path, b"")
            writer.write(_http(found.status, found.content))
            return True
        prompt = _prompt(json.loads(content))
        self.asked[prompt] += 1
        fault = self._drawn()
        if fault is None:
            answer = await self._fetch(b"POST", path, content)
            writer.writelines(answer.parts())
            await writer.drain()
            self.answered[prompt] += answer.status == 200
            return True
        self.faults[fault] += 1
        if fault.startswith("429"):
            writer.write(
                _http(429, b'{"error": {"message": "slow down"}}', *["Retry-After: 1"] * (len(fault) > 3))
            )
            return True
        if fault == "500":
            writer.write(_http(500, b"<html>Internal Server Error</html>"))
            return True
        if fault == "reset before":
            return False
        if fault == "stall":
            await asyncio.sleep(self.minute)
        answer = await self._fetch(b"POST", path, content)
        return await self._spoil(fault, answer, prompt, writer)

    def _drawn(self) -> str | None:
        """What is to go wrong with a request. Requests are turned away in storms."""
        now = asyncio.get_running_loop().time()
        if now < self.storm[1]:
            return self.storm[0]
        if self.random.random() >= self.rate:
            return None
        fault = self.random.choice(self.kinds)
        if not fault.startswith("429"):
            return fault
        if self.random.random() < _STORMS:
            self.storm = fault, now + _STORM * 60 * self.minute
            return fault
        return None

    async def _spoil(self, fault: str, answer: Answer, prompt: str, writer: asyncio.StreamWriter) -> bool:
        events = answer.events() if answer.streamed else []
        at = self.random.randrange(len(events)) if events else len(answer.content) // 2
        parts = answer.parts()
        if fault == "reset inside":
            sent = b"".join(parts)
            writer.write(sent[: len(sent) - 20])
            await writer.drain()
            return False
        if fault == "truncated JSON":
            parts = answer.parts(
                [*events[:at], events[at][: len(events[at]) // 2] + b"\n\n", *events[at + 1 :]]
                if events
                else []
            )
            if not events:
                parts = [_http(200, answer.content[:at])]
        elif fault == "malformed JSON":
            broken = b'{"choices": [{"index": 0, "delta": {"content": yes}}]'
            wrong = [*events[:at], b"data: " + broken + b"\n\n", *events[at:]]
            parts = answer.parts(wrong) if events else [_http(200, broken)]
        elif fault == "without a word":
            parts = answer.parts([]) if events else [_http(200, b"")]
        elif fault == "half a stream" and events:
            # Its end is what makes it whole: a reason to end, the count of tokens, and [DONE].
            parts = answer.parts(events[: min(at, max(len(events) - 3, 0))])
        elif fault == "twice" and events:
            parts = answer.parts([*events[: at + 1], *events[at:]])
        elif fault == "stall inside":
            sent = b"".join(parts)
            writer.write(sent[: len(sent) // 2])
            await writer.drain()
            await asyncio.sleep(self.minute)
            writer.write(sent[len(sent) // 2 :])
            return True
        elif fault == "drip":
            sent = b"".join(parts)
            size = max(len(sent) // 20, 1)
            for start in range(0, len(sent), size):
                writer.write(sent[start : start + size])
                await writer.drain()
                await asyncio.sleep(0.002)
            parts = []
        writer.writelines(parts)
        if fault == "twice" and not events:
            writer.writelines(parts)
        if fault == "drip" or (fault == "half a stream" and not events):
            await writer.drain()
            self.answered[prompt] += answer.status == 200
        return True

    async def _fetch(self, method: bytes, path: bytes, content: bytes) -> Answer:
        """The server's answer, over a connection of its own."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            head = b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % (method, path, len(content)) + content)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            fields = dict(line.partition(b":")[::2] for line in head.split(b"\r\n")[1:])
            if b"content-length" in fields:
                found = await reader.readexactly(int(fields[b"content-length"]))
            else:
                found = await _to_the_end(reader)
                if b"chunked" in fields.get(b"transfer-encoding", b""):
                    found = _unchunked(found)
        finally:
            writer.close()
        return Answer(int(head.split(b" ", 2)[1]), fields.get(b"content-type", b"").strip(), found)


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    """All that comes, until the last chunk or the end of the connection."""
    found = b""
    while not found.endswith(b"0\r\n\r\n"):
        part = await reader.read(65_536)
        if not part:
            break
        found += part
    return found


def _prompt(body: dict[str, Any]) -> str:
    said = body.get("messages") or body.get("input")
    return str(said[-1]["content"] if said else body["prompt"])


async def _main(given: argparse.Namespace) -> None:
    to = urlsplit(given.server)
    kinds = tuple(fault for fault in FAULTS if fault != given.without)
    proxy = Proxy(
        to.hostname or "", to.port or 80, given.rate, given.minute, random.Random(given.seed), kinds
    )
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="fault_proxy.py")
    parser.add_argument("server")
    parser.add_argument(
        "--rate", type=float, default=0.2, help="share of requests with which something goes wrong"
    )
    parser.add_argument("--without", help="a fault that does not occur")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minute", type=float, default=60.0, help="seconds that a stall takes")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
