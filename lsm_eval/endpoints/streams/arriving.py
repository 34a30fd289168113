"""Reads a streamed answer until its last part, or until nothing more comes."""

from __future__ import annotations

import asyncio

import aiohttp

from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.streams.stream import Stream

_MOST_BYTES_OF_WHOLE = 64 * 2**20
_MOST_BYTES = 512 * 2**20  # each token takes some hundreds of bytes
_REST_SECONDS = 1.0  # for what comes after the last part, so that the connection can carry another answer
_MOST_BYTES_OF_REST = 2**16


async def read_stream(response: aiohttp.ClientResponse, stream: Stream) -> bytes | Retryable:
    """The complete answer that the stream amounts to, in JSON, or why there is none; an answer that is JSON already, from a
    server without streams, is returned unchanged. Any data, even a comment, restarts the stall timeout. Raises aiohttp's errors if the
    connection breaks off or the time is up."""
    now = asyncio.get_running_loop().time
    size, most = 0, _MOST_BYTES
    whole: list[bytes] | None = None
    limit = asyncio.timeout(None)  # until the first data, the limit of the try applies
    try:
        async with limit:
            async for part in response.content.iter_any():
                if not size and part.lstrip()[:1] == b"{":
                    whole, most = [], _MOST_BYTES_OF_WHOLE
                size += len(part)
                if size > most:
                    response.close()
                    return Retryable("malformed", f"the answer has more than {most:,} bytes")
                if whole is not None:
                    whole.append(part)
                elif stream.feed(part):
                    break
                limit.reschedule(now() + stream.stall_seconds)
    except TimeoutError:
        if not limit.expired():
            raise
        response.close()
        return Retryable(
            "stalled",
            f"nothing came for {stream.stall_seconds:.3g} s in the middle of a stream",
        )
    if whole is not None:
        return b"".join(whole)
    if stream.ended:
        await _rest(response)
    else:
        response.close()  # so that the server stops generating
    return stream.whole()


async def _rest(response: aiohttp.ClientResponse) -> None:
    """Read to the end, or close the connection, so that what is left is not taken for another answer."""
    size = 0
    try:
        async with asyncio.timeout(_REST_SECONDS):
            while not response.content.at_eof() and size <= _MOST_BYTES_OF_REST:
                size += len(await response.content.readany())
    except (TimeoutError, aiohttp.ClientError, OSError):
        size = _MOST_BYTES_OF_REST + 1
    if size > _MOST_BYTES_OF_REST:
        response.close()
