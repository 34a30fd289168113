"""An OpenAI-shaped server on loopback, in a thread of its own; what it answers, and how it misbehaves, the test says.

It writes HTTP by hand, so that it can break off, drip, repeat itself and lie.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from command_line import Outcome
from stream_bytes import response, streamed

from lsm_eval.endpoints.probe.questions import COLOUR, IDS, LETTERS

Body = dict[str, Any]
Ask = Callable[..., Outcome]
"""`lsm-eval run` on a server; see the fixture."""

FAULTS = (
    "429",
    "429 with Retry-After",
    "500",
    "503",
    "reset before",
    "reset inside",
    "truncated JSON",
    "no JSON",
    "stall",
    "drip",
    "twice",
    "no finish reason",
    "null content",
    "no choices",
    "fewer tokens",
    "no usage",
)


def words(prompt: str) -> str:
    """A short text that hangs on nothing but the prompt."""
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    return f"yes {digest[:6]}" if int(digest[0], 16) < 8 else f"log {digest[:4]}"


def probed(body: Body) -> bool:
    """Whether it is a request of the probe at the start, and of no task."""
    if not {"input", "messages", "prompt"} & body.keys():
        return False  # of a page above the API
    return prompt_of(body) in (LETTERS, COLOUR) or body.get("prompt") == list(IDS)


def prompt_of(body: Body) -> str:
    """The text that is asked."""
    if "input" in body:
        return str(body["input"][-1]["content"])
    return str(body["messages"][-1]["content"] if "messages" in body else body.get("prompt", ""))


def completion(
    body: Body, text: str | None, *, finish: str | None = "stop", tokens: int | None = None, **message: Any
) -> Body:
    """A whole answer."""
    count = max(len((text or "").split()), 1) if tokens is None else tokens
    choice: Body = {"index": 0, "finish_reason": finish}
    if "messages" in body or "input" in body:
        choice["message"] = {"role": "assistant", "content": text, **message}
    else:
        choice |= {"text": text, **message}
    usage = {"prompt_tokens": 3, "completion_tokens": count, "total_tokens": 3 + count}
    name = f"cmpl-{random.getrandbits(96):x}"
    whole = {"id": name, "created": 1, "model": body["model"], "choices": [choice], "usage": usage}
    return response(whole) if "input" in body else whole


def echo(body: Body) -> Any:
    """The usual answer."""
    return completion(body, words(prompt_of(body)))


@dataclass
class Server:
    """What is asked and answered. Calls come from the server's thread."""

    answer: Callable[[Body], Any] = echo
    """A whole answer, or (status, content, headers) of another; where a stream was asked for, its events, too."""
    probe: Callable[[Body], Any] = echo
    """As `answer`, to requests of the probe, which are no part of what else is counted here, and are spared all faults."""
    probes: list[Body] = field(default_factory=list)
    """What the probe asked, in order."""
    pages: dict[str, Any] = field(default_factory=lambda: {"/v1/models": {"data": []}})
    posts: dict[str, Callable[[Body], Any]] = field(default_factory=dict)
    """As `answer`, of paths above the API."""
    key: str | None = None
    fault_rate: float = 0.0
    faults: tuple[str, ...] = FAULTS
    seconds: float = 0.0
    """Until an answer."""
    name: str = "test/1"
    bodies: list[Body] = field(default_factory=list)
    """All that was asked, in order; none where `keep` is false."""
    keep: bool = True
    headers: list[str] = field(default_factory=list)
    answered: Counter[str] = field(default_factory=Counter)
    """Whole answers sent, by prompt."""
    counts: Counter[str] = field(default_factory=Counter)
    """Faults committed, by name."""
    url: str = ""
    most: int = 0
    """Requests at once, at most."""
    _now: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(7))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = 0
                for line in head.split("\r\n"):
                    name, _, value = line.partition(":")
                    if name.lower() == "content-length":
                        length = int(value)
                content = await reader.readexactly(length) if length else b""
                self._now += 1
                self.most = max(self.most, self._now)
                try:
                    whole = await self._one(head, content, writer)
                finally:
                    self._now -= 1
                if not whole:
                    writer.transport.abort()
                    return
                await writer.drain()
        writer.close()

    async def _one(self, head: str, content: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        path = head.split(" ", 2)[1]
        if self.keep:
            self.headers.append(head)
        if self.key is not None and f"Authorization: Bearer {self.key}" not in head.split("\r\n"):
            said = f"Incorrect API key provided: {head.lower().partition('bearer ')[2].partition(chr(13))[0]}"
            writer.write(self._http(401, {"error": {"message": said}}))
            return True
        if head.startswith("GET"):
            found = self.pages.get(path)
            writer.write(self._http(404, {"error": "no"}) if found is None else self._http(200, found))
            return True
        if not path.startswith("/v1/") and path not in self.posts:
            writer.write(self._http(404, {"error": "no"}))
            return True
        body = json.loads(content)
        if probed(body):
            self.probes.append(body)
            found = self.probe(body)
            writer.write(
                self._http(found[0], found[1], **found[2])
                if isinstance(found, tuple)
                else self._http(200, found)
            )
            return True
        if self.keep and (path.startswith("/v1/") or path in self.posts):
            self.bodies.append(body)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        answer = self.answer if path.startswith("/v1/") else self.posts[path]
        if self.fault_rate and self._random.random() < self.fault_rate:
            fault = self._random.choice(self.faults)
            self.counts[fault] += 1
            return await self._misbehave(fault, body, answer(body), writer)
        found = answer(body)
        if isinstance(found, tuple):
            writer.write(self._http(found[0], found[1], **found[2]))
            return True
        if path.startswith("/v1/"):
            self.answered[prompt_of(body)] += 1
        if body.get("stream"):
            writer.write(self._in_parts(found if isinstance(found, list) else streamed(body, found)))
        else:
            writer.write(self._http(200, found))
        return True

    async def _misbehave(self, fault: str, body: Body, whole: Any, writer: asyncio.StreamWriter) -> bool:
        good = self._http(200, whole)
        if fault == "429":
            writer.write(self._http(429, {"error": {"message": "slow down"}}))
        elif fault == "429 with Retry-After":
            writer.write(self._http(429, {"error": {"message": "slow down"}}, **{"Retry-After": "0.2"}))
        elif fault in ("500", "503"):
            writer.write(self._http(int(fault), b"<html>no</html>"))
        elif fault == "reset before":
            return False
        elif fault == "reset inside":
            writer.write(good[: len(good) - 40])
            await writer.drain()
            return False
        elif fault == "truncated JSON":
            writer.write(self._http(200, json.dumps(whole).encode()[:-30]))
        elif fault == "no JSON":
            writer.write(self._http(200, b"upstream connect error"))
        elif fault == "stall":
            await asyncio.sleep(60)
        elif fault == "drip":
            for at in range(0, len(good), 40):
                writer.write(good[at : at + 40])
                await writer.drain()
                await asyncio.sleep(0.002)
            self.answered[prompt_of(body)] += 1
        elif fault == "twice":
            writer.write(good)
            await writer.drain()
            self.answered[prompt_of(body)] += 1
            await asyncio.sleep(self._random.choice((0, 0, 0.003)))
            writer.write(good)
        else:
            choice = whole["choices"][0]
            if fault == "no finish reason":
                choice["finish_reason"] = None
            elif fault == "null content":
                choice["message" if "message" in choice else "text"] = (
                    {"role": "assistant", "content": None} if "message" in choice else None
                )
            elif fault == "no choices":
                whole["choices"] = []
            elif fault == "fewer tokens":
                whole["usage"]["completion_tokens"] = 200
            elif fault == "no usage":
                del whole["usage"]
            else:
                raise ValueError(fault)
            writer.write(self._http(200, whole))
        return True

    def _in_parts(self, events: list[bytes]) -> bytes:
        head = f"HTTP/1.1 200 X\r\nServer: {self.name}\r\nContent-Type: text/event-stream\r\n"
        parts = [f"{len(one):x}\r\n".encode() + one + b"\r\n" for one in [*events, b""]]
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"".join(parts)

    def _http(self, status: int, content: Any, **headers: str) -> bytes:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {status} X\r\nServer: {self.name}\r\nContent-Type: application/json\r\n{more}"
        return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


@contextmanager
def serving(server: Server | None = None, **options: Any) -> Iterator[Server]:
    """The server, while it runs."""
    server = server or Server(**options)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        listening = loop.run_until_complete(asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=2048))
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        loop.run_forever()
        listening.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
