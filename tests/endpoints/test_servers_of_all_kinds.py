"""Servers that are odd, broken or spiteful, on loopback: an answer, or one sentence; never a key in any text."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from command_line import call
from openai_server import Ask, Body, Server, completion, prompt_of, serving, words

from lsm_eval.endpoints import transport
from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Failure, Generate, Generated, Response
from lsm_eval.results.reader import read_record

KEY = "sesame-0123456789/open-0123456789-abcdef"
Raw = Callable[[str, Body], bytes]
QUICK = RetryPolicy(tries=2, first_wait=0.01)


@dataclass
class RawServer(Server):
    """Answers with bytes."""

    raw: Raw | None = None
    page: Callable[[str], bytes] | None = None
    goes_on: bool = True

    async def _one(self, head: str, content: bytes, writer: asyncio.StreamWriter) -> bool:
        if head.startswith("GET") and self.page is not None:
            self.headers.append(head)
            writer.write(self.page(head))
        elif head.startswith("POST") and self.raw is not None:
            self.bodies.append(json.loads(content))
            writer.write(self.raw(head, self.bodies[-1]))
        else:
            return await super()._one(head, content, writer)
        await writer.drain()
        if not self.goes_on:
            writer.close()  # what was written still goes out
            await writer.wait_closed()
        return self.goes_on


def _http(data: bytes, more: str = "", *, status: str = "200 OK", version: str = "1.1") -> bytes:
    return f"HTTP/{version} {status}\r\n{more}Content-Length: {len(data)}\r\n\r\n".encode() + data


def _whole(body: Body) -> bytes:
    return json.dumps(completion(body, words(prompt_of(body)))).encode()


def _chunked(data: bytes) -> bytes:
    parts = [data[at : at + 50] for at in range(0, len(data), 50)]
    content = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in [*parts, b""])
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + content


def _key(head: str) -> str:
    return head.partition("Bearer ")[2].partition("\r\n")[0]


def _asked(server: Server, *prompts: str, key: str | None = None, **options: Any) -> list[Response]:
    model = EndpointModel("small", EndpointOptions(server.url, **options), QUICK)
    found = {
        at: one
        for batch in model.answer([Generate(text, chat=True) for text in prompts])
        for at, one in batch.items()
    }
    return [found[at] for at in range(len(prompts))]


@pytest.mark.parametrize(
    "raw",
    [
        lambda head, body: _http(gzip.compress(_whole(body)), "Content-Encoding: gzip\r\n"),
        lambda head, body: _http(_whole(body), version="1.0"),
        lambda head, body: b"HTTP/1.0 200 OK\r\n\r\n" + _whole(body),
        lambda head, body: _chunked(_whole(body)),
        lambda head, body: _http(b"\xef\xbb\xbf" + _whole(body)),
        lambda head, body: _http(_whole(body).decode().encode("utf-16")),
    ],
    ids=["gzip", "HTTP/1.0", "no length", "chunked", "BOM", "UTF-16"],
)
def test_ways_to_send_an_answer(raw: Raw, request: pytest.FixtureRequest) -> None:
    goes_on = request.node.callspec.id not in ("HTTP/1.0", "no length")
    with serving(RawServer(raw=raw, goes_on=goes_on)) as server:
        assert [getattr(one, "text", one) for one in _asked(server, "a", "b", "c")] == [
            words(text) for text in "abc"
        ]
        assert len(server.bodies) == 3


@pytest.mark.parametrize("packed", [True, False])
def test_an_endless_answer_is_none(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_MOST_BYTES", 100_000)

    def long(head: str, body: Body) -> bytes:
        if prompt_of(body) != "long":
            return _http(_whole(body))
        data = json.dumps(completion(body, "a" * 5_000_000)).encode()
        return _http(gzip.compress(data), "Content-Encoding: gzip\r\n") if packed else _chunked(data)

    with serving(RawServer(raw=long)) as server:
        first, second = _asked(server, "short", "long")
    assert isinstance(first, Generated)
    assert isinstance(second, Failure)
    assert second.detail.startswith("malformed: the answer has more than 100,000 bytes")


def test_a_server_that_counts_no_tokens_is_asked_once_more(server: Server, ask: Ask) -> None:
    def uncounted(body: Body) -> Any:
        whole = completion(body, words(prompt_of(body)))
        del whole["usage"]
        return whole

    server.answer = uncounted
    done = ask(server)
    assert done.code == 0, done.err
    assert len(server.bodies) == 25, "the first request went twice, and no other"
    record = read_record(done.record)
    assert record.manifest.requests["failed"] == 0
    assert record.samples("say")["tokens"].to_pylist() == [None] * 24
    assert "generated" not in record.manifest.tokens
    checked = call("record", "check", done.record)
    assert checked.code == 0, checked.out + checked.err
    again = ask(server)
    assert read_record(again.record).manifest.requests["from_store"] == 24


def test_answers_without_a_number_of_their_own_are_asked_once(server: Server) -> None:
    """Equal answers of a server that gives them all one name are taken for one that came twice at first, and not for long."""
    server.seconds = 0.02
    server.answer = lambda body: {**completion(body, "yes"), "id": "x"}
    found = _asked(server, *map(str, range(40)), max_concurrency=4)
    assert {getattr(one, "text", one) for one in found} == {"yes"}
    assert len(server.bodies) <= 40 + 12


@pytest.mark.parametrize("status", [401, 402])
def test_a_key_that_ends_on_the_way_ends_the_run(status: int, server: Server, ask: Ask) -> None:
    def used_up(body: Body) -> Any:
        if len(server.bodies) > 10:
            return status, {"error": {"message": "no more"}}, {}
        return completion(body, "yes")

    server.answer = used_up
    done = ask(server, "--max-concurrency", "2")
    assert done.code == 2
    assert f"{status}" in done.err.splitlines()[-1]
    assert len(server.bodies) <= 13
    server.answer = lambda body: completion(body, "yes")
    record = read_record(ask(server).record)
    assert record.manifest.requests["from_store"] == 10


def test_what_stands_in_front_of_a_server_for_a_moment_is_not_the_server(ask: Ask) -> None:
    tries: list[str] = []

    def page(head: str) -> bytes:
        tries.append(head)
        if len(tries) in (1, 3):
            return _http(b"", "Server: proxy\r\n", status="503 X")
        return _http(b'{"version": "1"}', "Server: engine\r\n")

    with serving(RawServer(page=page)) as server:
        record = read_record(ask(server).record)
    assert record.manifest.model.details["server"] == "engine 1"


@pytest.mark.parametrize(
    "page",
    [
        lambda head: _http(b"{}", "Server: ab").replace(b"Server: ab", b"Server: a\xe9\xff\r\n"),
        lambda head: _http(json.dumps({"version": "\ud83d half"}).encode()),
    ],
)
def test_any_name_of_a_server_can_be_written(page: Callable[[str], bytes], ask: Ask) -> None:
    with serving(RawServer(page=page)) as server:
        done = ask(server)
    assert done.code == 0, done.err
    read_record(done.record).manifest.model.details["server"].encode()


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "a..b", "host:pa/ss@host", "[::1"])
def test_addresses_that_are_none(host: str, ask: Ask) -> None:
    sentence = ask(Server(url=f"http://{host}/v1")).sentence()
    assert sentence == "--base-url is no URL: write it as http://HOST:PORT/v1."


def test_a_base_url_without_its_version(ask: Ask) -> None:
    with serving(answer=lambda body: (404, {"detail": "Not Found"}, {})) as server:
        server.url = server.url.removesuffix("/v1")
        assert "correct the model's name or --base-url, which ends with /v1" in ask(server).err


def test_nobody_at_an_ipv6_address(ask: Ask) -> None:
    assert "no server answers at http://[::1]:9/v1" in ask(Server(url="http://[::1]:9/v1")).sentence()


def test_a_certificate_that_nobody_knows(ask: Ask, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*made.split(), "-keyout", str(key), "-out", str(certificate)],
        capture_output=True,
        check=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        listening.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        sentence = ask(Server(url=f"https://127.0.0.1:{listening.server_port}/v1")).sentence()
        listening.shutdown()
    assert "has no trusted certificate" in sentence
    assert "self-signed certificate" in sentence
    assert "SSL_CERT_FILE" in sentence


def _echo_page(head: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nX{_key(head)}\r\n\r\n".encode()


def test_no_text_of_any_server_brings_the_key_out(
    ask: Ask, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not whole, and not the half that is left of a text that is cut."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("LSM_EVAL_DEBUG", "1")

    def said(status: int) -> Raw:
        def raw(head: str, body: Body) -> bytes:
            text = json.dumps({"error": {"message": "x" * 180 + _key(head)}}).replace("/", "\\/")
            return _http(text.encode(), status=f"{status} X")

        return raw

    def repeated(head: str, body: Body) -> bytes:
        return _http(json.dumps(completion(body, f"you are {_key(head)}", reasoning=_key(head))).encode())

    shown = ""
    for server in (
        RawServer(raw=said(400)),
        RawServer(raw=said(401)),
        RawServer(raw=repeated),
        RawServer(page=_echo_page, goes_on=False),
        RawServer(
            page=lambda head: _http(json.dumps({"version": _key(head)}).encode(), f"Server: {_key(head)}\r\n")
        ),
    ):
        with serving(server):
            done = ask(server)
        assert done.code in (0, 2), done.err
        shown += done.out + done.err
    half = KEY[:8]
    assert half not in shown
    files = [path for folder in (tmp_path, own_cache) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if half.encode() in path.read_bytes()] == []
    from lsm_eval.results.reader import read_record as read

    texts = [read(path.parent).samples("say") for path in tmp_path.rglob("manifest.json")]
    assert texts
    assert not any(half in str(table.to_pylist()) for table in texts)


def test_asking_leaves_the_collection_of_garbage_as_it_was(server: Server) -> None:
    before = gc.get_threshold()
    inside: list[tuple[int, int, int]] = []

    def answer(body: Body) -> Any:
        inside.append(gc.get_threshold())
        return completion(body, "yes")

    server.answer = answer
    _asked(server, "a", "b")
    assert inside[0][0] > before[0]
    assert gc.get_threshold() == before


def test_a_key_that_is_a_word_changes_no_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    server.answer = lambda body: completion(body, "the set is EMPTY")
    (found,) = _asked(server, "a")
    assert getattr(found, "text", None) == "the set is EMPTY"
