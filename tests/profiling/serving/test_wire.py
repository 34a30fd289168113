"""The thin client on servers that write every way HTTP allows, and some that it does not; and what is read of their bytes."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from array import array
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from stream_bytes import chunk_events, event, response_stream

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.key import Key
from lsm_eval.profiling.serving.drive import closed_loop, open_loop
from lsm_eval.profiling.serving.framing import BrokenFraming, ChunkedFraming, Head, LengthFraming
from lsm_eval.profiling.serving.reading import body, read_request
from lsm_eval.profiling.serving.spool import Spool
from lsm_eval.profiling.serving.watch import WatchedLoop
from lsm_eval.profiling.serving.wire import Client, Exchange

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Coroutine[Any, Any, None]]


def asked(answer: Answer, number: int = 1, *, seconds: float = 5.0, settle: bool = False) -> list[Exchange]:
    """What comes of so many requests, one after another."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                served += 1
                await answer(reader, writer, served - 1)
                await writer.drain()
                if writer.is_closing():
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> list[Exchange]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(read_address(f"http://127.0.0.1:{port}/v1"), Key(None), seconds=seconds)
        found = [await client.ask("chat/completions", b"{}")]
        if settle:
            await client.settle()
        found += [await client.ask("chat/completions", b"{}") for _ in range(number - 1)]
        client.close()
        server.close()
        await asyncio.sleep(0)
        return found

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        return runner.run(main())


def writes(*pieces: bytes, close: bool = False, pause: float = 0.0) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if close:
            writer.close()

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def in_chunks(*parts: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in parts) + b"0\r\n" + trailer + b"\r\n"


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [CHUNKED + in_chunks(TEXT)],
        [CHUNKED, in_chunks(TEXT[:9], TEXT[9:])],
        [(CHUNKED + in_chunks(TEXT))[at : at + 1] for at in range(len(CHUNKED + in_chunks(TEXT)))],
        [CHUNKED + in_chunks(TEXT, trailer=b"X-Time: 3\r\n")],
        [CHUNKED + b"%X;name=value\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT)],
        [HEAD + b"Content-Length: %d\r\n\r\n" % len(TEXT), TEXT],
        [HEAD + b"content-length: %d\r\n\r\n" % len(TEXT) + TEXT],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + in_chunks(TEXT)],
    ],
)  # fmt: skip
def test_every_way_to_write_an_answer_is_read(pieces: list[bytes]) -> None:
    for exchange in asked(writes(*pieces), 2):
        assert (exchange.failure, body(exchange)) == (None, TEXT)
        one = read_request(exchange, "chat/completions", 0, Key(None))
        assert (one.failure, one.finish, len(one.chunks)) == (None, "stop", 1)
        assert exchange.sent is not None
        assert exchange.headers is not None
        assert exchange.ended is not None
        assert exchange.started <= exchange.sent <= exchange.headers <= one.chunks[0].at <= exchange.ended


def test_a_body_that_ends_with_its_connection() -> None:
    (exchange,) = asked(writes(HEAD + b"\r\n", TEXT, close=True))
    assert (exchange.failure, body(exchange)) == (None, TEXT)


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ([CHUNKED + b"zz\r\n"], "malformed"), ([b"SSH-2.0-OpenSSH\r\n\r\n"], "malformed"), ([CHUNKED + b"-5\r\n"], "malformed"),
        ([HEAD + b"Content-Length: x\r\n\r\n"], "malformed"), ([CHUNKED + b"ff\r\ndata"], "connection"), ([b"HTTP/1.1 200"], "connection"),
        ([], "connection"), ([HEAD + b"Content-Length: 100\r\n\r\nabc"], "connection"),
    ],
)  # fmt: skip
def test_what_is_no_answer_has_failed(pieces: list[bytes], failure: str) -> None:
    (exchange,) = asked(writes(*pieces, close=True))
    assert exchange.failure == failure
    one = read_request(exchange, "chat/completions", 0, Key(None))
    assert (one.failure, one.whole) == (failure, False)


def test_a_server_that_is_silent_is_not_waited_for() -> None:
    start = time.perf_counter()
    (exchange,) = asked(writes(CHUNKED, pause=30.0), seconds=0.3)
    assert exchange.failure == "timeout"
    assert time.perf_counter() - start < 5


def test_nobody_there() -> None:
    async def main() -> Exchange:
        client = Client(read_address("http://127.0.0.1:9/v1"), Key(None), seconds=1.0)
        found = await client.ask("completions", b"{}")
        client.close()
        return found

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        exchange = runner.run(main())
    assert exchange.failure == "connection"


def test_a_server_that_closes_without_a_word_is_asked_over_new_connections() -> None:
    """As llama.cpp's after a stream."""
    closing = writes(CHUNKED + in_chunks(TEXT), close=True)
    assert [one.failure for one in asked(closing, 6, settle=True)] == [None] * 6


def test_what_nobody_asked_for_is_no_answer_to_the_next() -> None:
    twice = writes(CHUNKED + in_chunks(TEXT) + CHUNKED + in_chunks(TEXT.replace(b"hi", b"no")))
    for exchange in asked(twice, 3):
        assert body(exchange) == TEXT


def test_framings_refuse_what_never_ends() -> None:
    with pytest.raises(BrokenFraming):
        ChunkedFraming().feed(b"1" * 10_000)
    with pytest.raises(BrokenFraming):
        Head(b"HTTP/2 nothing")
    assert LengthFraming(0).feed(b"") == -1
    assert LengthFraming(3).pieces(b"abcdef") == ([b"abc"], True)


@pytest.mark.parametrize("most", [0, 300, 10_000])
def test_bytes_that_do_not_fit_wait_in_a_file(most: int) -> None:
    spool = Spool(most)
    answers = [[b"%d " % at * 20, b"", bytes(range(200))] for at in range(5)]
    held = [list(parts) for parts in answers]
    places = [spool.keep(parts) for parts in held]
    assert [place is None for place in places] == {
        0: [False] * 5,
        300: [True, *[False] * 4],
        10_000: [True] * 5,
    }[most]
    for parts, place, kept in reversed(list(zip(answers, places, held, strict=True))):
        assert spool.take(kept, place) == parts
    spool.close()


def exchange_of(*events: bytes, gap: int = 1_000_000, more: bytes = b"") -> Exchange:
    """An answer whose events came so far apart."""
    found = Exchange(started=0, ended=10**9, body_at=len(CHUNKED), head=Head(CHUNKED[:-4]))
    found.parts = [CHUNKED, *(b"%x\r\n%b\r\n" % (len(one), one) for one in events)]
    found.arrived = array("q", [gap * at for at in range(len(found.parts))])
    return found


def whole(text: str, tokens: int | None, finish: str = "length", **message: Any) -> dict[str, Any]:
    usage = (
        None
        if tokens is None
        else {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens}
    )
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": finish,
    }
    return {"id": "x", "model": "m", "choices": [choice], "usage": usage}


@pytest.mark.parametrize(
    ("tokens", "finish", "counts"),
    [
        (4, "length", [1, 1, 1, 1, 0]),  # as many as chunks
        (5, "stop", [1, 1, 1, 1, 1]),  # and the one that ended it
        (5, "length", None),  # a chunk has two, and nobody knows which
        (6, "stop", None), (3, "stop", None), (None, "stop", None),
    ],
)  # fmt: skip
def test_tokens_of_chunks_are_known_or_not(tokens: int | None, finish: str, counts: list[int] | None) -> None:
    one = read_request(
        exchange_of(*chunk_events(whole("a b c d", tokens, finish))), "chat/completions", 7, Key(None)
    )
    assert (one.index, one.failure, one.finish, one.output_tokens) == (7, None, finish, tokens)
    assert [chunk.tokens for chunk in one.chunks] == list(counts or (None,) * 5)
    assert (one.counted_by is None) == (counts is None)


def test_counts_that_do_not_grow_are_none() -> None:
    part = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":{"completion_tokens":9}}'
    events = [event(part)] * 9 + [event('{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}')]
    one = read_request(exchange_of(*events), "chat/completions", 0, Key(None))
    assert one.counted_by == "server (as many tokens as chunks)"
    one = read_request(exchange_of(*events[3:]), "chat/completions", 0, Key(None))
    assert one.counted_by is None


@pytest.mark.parametrize(
    ("events", "failure"),
    [
        ([], "cut"), ([event("[DONE]")], "empty"), ([event("nonsense")], "malformed"), ([event("[1]")], "malformed"),
        ([event('{"error":{"message":"out of memory"}}')], "error"), ([event("[" * 100_000)], "malformed"),
        ([event('{"choices":[{"index":0,"delta":{"content":"a"}}]}')], "cut"), ([event('{"choices":[5]}'), event("[DONE]")], "empty"),
    ],
)  # fmt: skip
def test_streams_that_are_none_have_failed(events: list[bytes], failure: str) -> None:
    one = read_request(exchange_of(*events), "chat/completions", 0, Key(None))
    assert one.failure == failure
    assert not one.whole


@pytest.mark.parametrize("reason", ["abort", "error", "content_filter"])
def test_an_answer_that_was_broken_off_is_not_whole(reason: str) -> None:
    """However quick it was."""
    part = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"?"}]}'.replace("?", reason)
    one = read_request(exchange_of(event(part), event("[DONE]")), "chat/completions", 0, Key(None))
    assert (one.failure, one.whole, len(one.chunks)) == ("aborted", False, 1)
    assert reason in one.detail
    whole_one = part.replace(reason, "tool_calls")
    one = read_request(exchange_of(event(whole_one), event("[DONE]")), "chat/completions", 0, Key(None))
    assert one.whole


def test_a_response_that_was_withheld_is_not_whole() -> None:
    delta = event('{"type":"response.output_text.delta","delta":"a"}')
    for reason, failure in [("content_filter", "aborted"), ("max_output_tokens", None)]:
        last = event(
            '{"type":"response.incomplete","response":{"incomplete_details":{"reason":"?"}}}'.replace(
                "?", reason
            )
        )
        assert read_request(exchange_of(delta, last), "responses", 0, Key(None)).failure == failure


@pytest.mark.parametrize("letters", [170, 185, 195, 280, 295])
def test_half_a_key_is_hidden_too(letters: int) -> None:
    """What a server says is cut; a key that it repeats there is taken out before."""
    key = Key("zq9-" + "Kx7" * 12)
    said = "x" * letters + " " + (key.secret or "")
    body = json.dumps({"error": {"message": said}}).encode()
    heads = [
        b"HTTP/1.1 401 X\r\nContent-Length: %d\r\n\r\n",
        b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
    ]
    found = [exchange_of(event(body.decode()))]
    for head in heads:
        for content in (body, said.encode()):
            start = head % len(content)
            one = Exchange(started=0, ended=10**9, body_at=len(start), head=Head(start[:-4]))
            one.parts, one.arrived = [start + content], array("q", [5])
            found.append(one)
    for exchange in found:
        assert "zq9" not in read_request(exchange, "chat/completions", 0, key).detail


def test_responses_are_read_too() -> None:
    from stream_bytes import response

    answer = response(whole("the answer is", 5, "stop", reasoning_content="let me think"))
    one = read_request(exchange_of(*response_stream(answer)), "responses", 0, Key(None))
    assert (one.failure, one.finish, one.prompt_tokens, one.output_tokens) == (None, "stop", 3, 5)
    assert [chunk.thought for chunk in one.chunks] == [True] * 3 + [False] * 3


def test_a_key_in_what_a_server_says_is_hidden() -> None:
    said = json.dumps({"error": {"message": "bad key sk-abcdefghijklmnopqrstuv"}})
    one = read_request(exchange_of(event(said)), "chat/completions", 0, Key("sk-abcdefghijklmnopqrstuv"))
    assert one.failure == "error"
    assert "abcdef" not in one.detail


def test_loops_keep_to_concurrency_and_to_times() -> None:
    most = now = 0
    together = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        if now == 3:
            together.set()
        with suppress(TimeoutError):  # the first ones, until all places are taken
            await asyncio.wait_for(together.wait(), 5)
        await asyncio.sleep(0.02)
        now -= 1
        writer.write(CHUNKED + in_chunks(TEXT))

    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    await reader.readuntil(b"{}")
                    await answer(reader, writer, 0)
            except (ConnectionError, asyncio.IncompleteReadError):
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(read_address(f"http://127.0.0.1:{port}/v1"), Key(None), seconds=5)
        found = await closed_loop(client, "x", [b"{}"] * 12, 3)
        assert (most, len(found.exchanges)) == (3, 12)
        assert found.wall >= 0.08
        assert len(found.lags) > 0
        assert min(found.lags) >= 0
        cut = await closed_loop(client, "x", [b"{}"] * 1000, 2, seconds=0.1)
        assert 2 <= len(cut.exchanges) < 100
        times = [0, 30_000_000, 30_000_000, 90_000_000]
        opened = await open_loop(client, "x", [b"{}"] * 4, times)
        starts = [one.started - opened.begun for one in opened.exchanges]
        assert all(start >= time_ for start, time_ in zip(starts, times, strict=True))
        assert opened.scheduled == [opened.begun + time_ for time_ in times]
        client.close()
        server.close()

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        runner.run(main())


def test_a_loop_that_is_held_up_knows_it() -> None:
    """The client's own loop is blocked for 50 ms while an answer comes: its stamp is late, and says so."""

    listening = socket.create_server(("127.0.0.1", 0))
    held_up, written = threading.Event(), threading.Event()

    def hold_up() -> None:
        held_up.set()
        written.wait(5)
        time.sleep(0.05)

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(CHUNKED)
            held_up.wait(5)
            connection.sendall(b"%x\r\n%b\r\n" % (len(TEXT), TEXT))
            written.set()
            connection.sendall(b"0\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()

    async def main() -> array[int]:
        client = Client(
            read_address(f"http://127.0.0.1:{listening.getsockname()[1]}/v1"), Key(None), seconds=5
        )
        asyncio.get_running_loop().call_later(0.01, hold_up)
        await client.ask("x", b"{}")
        lags = client.lags[:]
        client.close()
        return lags

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        lags = runner.run(main())
    thread.join(5)
    listening.close()
    assert max(lags) >= 50_000_000


def test_encrypted_servers_are_asked_where_their_certificate_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    command = [
        *made.split(),
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def main() -> list[Exchange]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    await reader.readuntil(b"{}")
                    writer.write(CHUNKED + in_chunks(TEXT))

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        client = Client(read_address(f"https://localhost:{port}/v1"), Key(None), seconds=5)
        found = [await client.ask("x", b"{}") for _ in range(2)]
        client.close()
        server.close()
        await asyncio.sleep(0.05)
        return found

    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        assert {one.failure for one in runner.run(main())} == {"connection"}  # nobody knows it
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with asyncio.Runner(loop_factory=WatchedLoop) as runner:
        found = runner.run(main())
    assert [(one.failure, body(one)) for one in found] == [(None, TEXT)] * 2
