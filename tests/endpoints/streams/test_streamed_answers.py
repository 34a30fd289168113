"""Streams over a connection: how long they may be silent, and where they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai_server import Ask, Body, Server, completion, prompt_of, serving, words
from stream_bytes import chunk_events, event
from streamed import questions_to, texts_of

from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.requests import Failure, Generated
from lsm_eval.results.reader import read_record

Parts = Callable[[Body], AsyncIterator[bytes]]


@dataclass
class Dripping(Server):
    """Sends a stream part by part; what it does then is said by `parts`."""

    parts: Parts | None = None
    chunked: bool = True
    connections: set[Any] = field(default_factory=set)

    async def _one(self, head: str, content: bytes, writer: asyncio.StreamWriter) -> bool:
        import json

        body = json.loads(content) if content else {}
        if not body.get("stream") or self.parts is None:
            return await super()._one(head, content, writer)
        self.connections.add(writer)
        self.bodies.append(body)
        kind = "Transfer-Encoding: chunked" if self.chunked else "Connection: close"
        writer.write(f"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n{kind}\r\n\r\n".encode())
        async for part in self.parts(body):
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n" if self.chunked else part)
            await writer.drain()
        if self.chunked:
            writer.write(b"0\r\n\r\n")
            return True
        writer.close()
        return False


def _events(body: Body) -> list[bytes]:
    return chunk_events(completion(body, words(prompt_of(body))))


@pytest.mark.parametrize("chunked", [True, False])
def test_slow_is_no_stall_and_comments_are_life(chunked: bool) -> None:
    async def drip(body: Body) -> AsyncIterator[bytes]:
        for part in _events(body):
            for _ in range(2):
                await asyncio.sleep(0.1)
                yield b": wait\r\n\r\n"
            yield part[:9]
            yield part[9:]

    retry_policy = RetryPolicy(tries=1, attempt_seconds=0.5, stall_seconds=0.3)
    with serving(Dripping(parts=drip, chunked=chunked)) as server:
        began = time.monotonic()
        assert texts_of(questions_to(server, "a", "b", retry_policy=retry_policy)) == [words("a"), words("b")]
        assert time.monotonic() - began > 1, "each takes longer than a whole answer may"


@pytest.mark.parametrize("after", [1, 3, 4])
def test_a_stall_has_a_limit_of_its_own(after: int) -> None:
    async def stall(body: Body) -> AsyncIterator[bytes]:
        if prompt_of(body) == "first":
            for part in _events(body):
                yield part
            return
        for part in _events(body)[:after]:
            yield part
        await asyncio.sleep(60)

    with serving(Dripping(parts=stall)) as server:
        _, failed = questions_to(server, "first", "a")
        assert isinstance(failed, Failure)
        assert failed.detail.startswith("stalled: nothing came for 0.3 s in the middle of a stream (3 tries")
        assert len(server.bodies) == 4


def test_before_the_first_part_the_limit_is_that_of_a_try() -> None:
    async def late(body: Body) -> AsyncIterator[bytes]:
        await asyncio.sleep(0.6)
        for part in _events(body):
            yield part

    with serving(Dripping(parts=late)) as server:
        assert texts_of(questions_to(server, "a")) == [words("a")]
        short = RetryPolicy(tries=2, first_wait=0.01, attempt_seconds=0.2)
        (failed,) = questions_to(server, "b", retry_policy=short)
        assert isinstance(failed, Failure)
        assert failed.detail.startswith("timeout: nothing came within 0 s (2 tries")


def test_a_stream_without_end_has_an_end() -> None:
    async def endless(body: Body) -> AsyncIterator[bytes]:
        for _ in range(600):
            yield _events(body)[1]
            await asyncio.sleep(0.05)

    retry_policy = RetryPolicy(tries=1, stream_seconds=0.5)
    with serving(Dripping(parts=endless)) as server:
        (failed,) = questions_to(server, "a", retry_policy=retry_policy)
        assert isinstance(failed, Failure)
        assert failed.detail.startswith("timeout: no end within 0 s")


def test_a_connection_that_stays_open_after_the_last_part() -> None:
    async def open_end(body: Body) -> AsyncIterator[bytes]:
        for part in _events(body):
            yield part
        await asyncio.sleep(60)

    with serving(Dripping(parts=open_end)) as server:
        began = time.monotonic()
        assert texts_of(questions_to(server, "a", "b", "c", max_concurrency=2)) == [
            words(text) for text in "abc"
        ]
        assert time.monotonic() - began < 8


def test_connections_are_used_again() -> None:
    async def plain(body: Body) -> AsyncIterator[bytes]:
        for part in _events(body):
            yield part

    dripping = Dripping(parts=plain)
    with serving(dripping):
        questions_to(dripping, *map(str, range(30)), max_concurrency=1)
    assert len(dripping.connections) == 1


def test_a_server_that_gives_no_streams_answers_whole() -> None:
    with serving() as server:
        server.answer = lambda body: (200, completion(body, words(prompt_of(body))), {})
        assert texts_of(questions_to(server, "a", "b")) == [words("a"), words("b")]
        assert len(server.bodies) == 2


def test_a_server_that_sends_no_done_is_told_by_its_first_answer() -> None:
    with serving() as server:
        server.answer = lambda body: _events(body)[:-1]
        assert texts_of(questions_to(server, "a", "b", "c")) == [words(text) for text in "abc"]
        assert len(server.bodies) == 4, "the first request went twice, and no other"


def test_streams_that_are_not_counted() -> None:
    """By a server that counts whole answers: those are still held to it."""
    with serving() as server:
        server.answer = lambda body: chunk_events(completion(body, "yes"), usage=False)
        found = questions_to(server, "a", "b")
        assert found == [Generated("yes", None, "stop")] * 2
        assert len(server.bodies) == 3


def test_a_part_that_came_twice_is_settled_by_a_whole_answer() -> None:
    def answer(body: Body) -> Any:
        events = _events(body)
        return [*events[:2], *events[1:]] if body["stream"] else completion(body, words(prompt_of(body)))

    with serving(answer=answer) as server:
        assert texts_of(questions_to(server, "a", "b")) == [words("a"), words("b")]
        assert [body["stream"] for body in server.bodies] == [True, False, True, False]


def test_where_no_whole_answer_comes_a_doubt_is_no_proof() -> None:
    """Of one token less than parts, at a server that was seen to count one more."""

    def answer(body: Body) -> Any:
        if prompt_of(body) == "first":
            return completion(body, "so it is", tokens=4)
        return completion(body, "ha ha ha", tokens=3) if body["stream"] else (500, {}, {})

    with serving(answer=answer) as server:
        assert texts_of(questions_to(server, "first", "a")) == ["so it is", "ha ha ha"]
        assert [body["stream"] for body in server.bodies] == [True, True, False, True]


def test_the_same_stream_twice_is_no_answer_to_two_requests() -> None:
    def answer(body: Body) -> Any:
        return [
            part.replace(b"cmpl-", b"x-")
            for part in chunk_events({**completion(body, "yes"), "id": "cmpl-7"})
        ]

    with serving(answer=answer) as server:
        assert texts_of(questions_to(server, "a", "b")) == ["yes", "yes"]
        assert len(server.bodies) == 3, "once more over a connection of its own"


def test_no_key_comes_out_of_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even in pieces."""
    key = "sesame-0123456789/open-0123456789-abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", key)

    def answer(body: Body) -> Any:
        whole = completion(body, "x", tokens=9)
        events = chunk_events(whole)
        parts = [events[1].replace(b'"x"', f'"{letter}"'.encode()) for letter in key]
        if prompt_of(body) == "error":
            return [*events[:1], event({"error": {"message": f"x{key}", "code": 400}})]
        return [*events[:1], *parts, *events[2:]]

    with serving(answer=answer) as server:
        text, error = questions_to(server, "a", "error")
    assert getattr(text, "text", None) == "***"
    assert isinstance(error, Failure)
    assert "sesame" not in error.detail
    assert "status 400: x***" in error.detail


def test_a_run_is_the_same_with_streams(server: Server, ask: Ask) -> None:
    whole = read_record(ask(server, "--stream", "off", "--store", "none").record)
    parts = read_record(ask(server, "--stream", "on", "--store", "none").record)
    tables = [one.samples("say").drop_columns(["seconds"]) for one in (whole, parts)]
    assert tables[0].equals(tables[1])
    assert [body["stream"] for body in server.bodies] == [False] * 24 + [True] * 24
