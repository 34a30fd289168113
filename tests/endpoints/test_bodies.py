"""Bodies of answers as they come over the wire: whole ones are whole however they come, and no cut one is taken for whole."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence

import pytest

from lsm_eval.endpoints.address import read_address
from lsm_eval.endpoints.key import read_secrets
from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.transport import Transport

BODY = b'{"id": "1", "text": "' + b"y" * 2000 + b'"}'
GZIP = gzip.compress(BODY)
BIG = gzip.compress(bytes(65 * 2**20))
END = b"0\r\n\r\n"


def head(size: int | None, coding: str = "") -> bytes:
    length = "Transfer-Encoding: chunked" if size is None else f"Content-Length: {size}"
    lines = ["HTTP/1.1 200 OK", length, *([f"Content-Encoding: {coding}"] if coding else [])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunks(content: bytes) -> bytes:
    parts = [content[at : at + 300] for at in range(0, len(content), 300)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def posted(parts: Sequence[bytes]) -> bytes | Retryable:
    """What is made of an answer that comes in these parts, after which the connection is closed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.close()

    async def main() -> bytes | Retryable:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport = Transport(read_address(f"http://127.0.0.1:{port}/v1"), read_secrets(None, None, ()))
        try:
            found = await transport.post("completions", b"{}", 10.0)
        finally:
            await transport.close()
            server.close()
        return found if isinstance(found, Retryable) else found[1]

    return asyncio.run(main())


@pytest.mark.parametrize(
    "parts",
    [
        [head(len(BODY)) + BODY],
        [head(len(BODY)), BODY[:100], BODY[100:900], BODY[900:]],
        [head(None) + chunks(BODY), END],
        [head(len(GZIP), "gzip"), GZIP[:20], GZIP[20:]],
        [head(None, "gzip") + chunks(GZIP) + END],
    ],
)
def test_a_whole_one(parts: list[bytes]) -> None:
    assert posted(parts) == BODY


@pytest.mark.parametrize("size", [None, 0])
def test_an_empty_one(size: int | None) -> None:
    assert posted([head(size) + (END if size is None else b"")]) == b""


@pytest.mark.parametrize(
    "parts",
    [
        [head(len(BODY))],
        [head(len(BODY)) + BODY[:-1]],
        [head(len(BODY)), BODY[:100]],
        [head(None) + chunks(BODY)],
        [head(None) + chunks(BODY)[:-40]],
        [head(len(GZIP), "gzip"), GZIP[:20]],
        [head(len(BODY), "gzip") + BODY],
    ],
)
def test_a_cut_one_is_a_fault(parts: list[bytes]) -> None:
    found = posted(parts)
    assert isinstance(found, Retryable)
    assert found.fault == "connection"


def test_more_than_any_answer_has() -> None:
    found = posted([head(len(BIG), "gzip") + BIG])
    assert isinstance(found, Retryable)
    assert (found.fault, found.detail) == ("malformed", "the answer has more than 67,108,864 bytes")
