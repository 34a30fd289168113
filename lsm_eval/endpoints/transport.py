"""HTTP with a server: sends one body and returns one outcome. Nothing is retried here, and no redirect is followed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from http.cookies import SimpleCookie
from typing import Any
from weakref import WeakSet

import aiohttp
from yarl import URL

from lsm_eval import __version__
from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.cost.paying import paid
from lsm_eval.endpoints.deadline import Deadlines
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Retryable
from lsm_eval.endpoints.reuse import Reuse
from lsm_eval.endpoints.streams.arriving import read_stream
from lsm_eval.endpoints.streams.stream import Stream
from lsm_eval.well_formed import well_formed

_REMEMBERED = 4096  # answers, to recognise one that comes twice
_NO_TIMER = aiohttp.ClientTimeout(total=None, sock_connect=30.0)
_MOST_BYTES = 64 * 2**20  # of an answer; most have some kilobytes
_MOST_BYTES_OF_PAGE = 2**20


class _TooLong(aiohttp.ClientError):
    """An answer is too long."""


class _NoCookies(aiohttp.DummyCookieJar):
    """Keeps and sends no cookies, and creates no objects for each request."""

    def __init__(self) -> None:
        super().__init__()
        self._none: SimpleCookie = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> SimpleCookie:
        return self._none


class _Response(aiohttp.ClientResponse):
    """An answer that knows its connection. Raises if data came before the request was sent."""

    carrier: Any = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        self.carrier = connection.protocol
        if self.carrier.should_close:  # something was read from it since the last answer
            raise aiohttp.ClientConnectionError("an answer came before its request")
        return await super().start(connection)


class Transport:
    """A pool of connections to one server. Lives in one event loop."""

    def __init__(self, address: Address, key: Key) -> None:
        self._address, self._key = address, key
        self._deadlines = Deadlines()
        self._pool = self._session(aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0))
        self._single: aiohttp.ClientSession | None = None
        self._reuse = {False: Reuse(), True: Reuse()}
        """For unstreamed answers (False) and for streams (True)."""
        self._urls: dict[str, URL] = {}
        self._seen: OrderedDict[int, None] = OrderedDict()
        """Hashes of the last answers."""
        self._broken: WeakSet[Any] | None = None
        """Connections on which an answer came twice; None if that never happened."""
        self._numbered = True
        """Whether the server is believed to give each answer its own id."""
        self.hears: Callable[[Mapping[str, str]], None] = lambda headers: None
        """Called with the headers of every answer."""

    @paid
    async def post(
        self, path: str, body: bytes, seconds: float, *, alone: bool = False, stream: Stream | None = None
    ) -> tuple[int, bytes, Mapping[str, str]] | Retryable:
        """Status, body and headers of an answer, or why there is no complete one. `alone`: over a new connection, on which
        no answer to another request can come. `stream` assembles a streamed answer into the body; `seconds` is then the
        limit until its first part."""
        reuse = self._reuse[stream is not None]
        kept = reuse.worthwhile and not alone
        session = self._pool if kept else self._alone()
        began = False
        try:
            with self._deadlines.within(seconds if stream is None else stream.most_seconds):
                # Not `async with`, which waits once more at the end: most answers have given their connection back by then.
                response = await session.post(
                    self._url(path),
                    data=body,
                    allow_redirects=False,
                    timeout=_NO_TIMER if stream is None else _silence(seconds),
                )
                began = True
                try:
                    status, headers = response.status, response.headers
                    if stream is not None and status == 200:
                        found = await read_stream(response, stream)
                        if isinstance(found, Retryable):
                            return found
                    else:
                        found = await _whole(response, _MOST_BYTES)
                finally:
                    if not response.closed:
                        response.release()
                content = self._key.taken_out(found, said=status == 200)
                carrier = response.carrier if isinstance(response, _Response) else None
        except TimeoutError as error:
            if stream is None:
                return Retryable("timeout", f"no complete answer within {seconds:.0f} s", overload=True)
            late = isinstance(error, aiohttp.ServerTimeoutError)
            said = (
                f"nothing came within {seconds:.0f} s"
                if late
                else f"no end within {stream.most_seconds:.0f} s"
            )
            return Retryable("timeout", said, overload=True)
        except _TooLong as error:
            return Retryable("malformed", str(error))
        except aiohttp.ClientConnectorError as error:
            return Retryable("connection", self.why(error), overload=True)
        except (aiohttp.ClientError, OSError) as error:
            if not began:
                reuse.used(kept=kept, lost=True)
            return Retryable("connection", self.why(error))
        reuse.used(kept=kept, lost=False)
        self.hears(headers)
        if self._broken is not None and carrier in self._broken:
            return Retryable("connection", "its connection carried an answer twice")
        if status == 200 and self._numbered and self._twice(content):
            if (
                not kept
            ):  # on a new connection it must be this request's answer: the server does not number answers
                self._numbered = False
                return status, content, headers
            # The answer to this request comes next on that connection, and must not be taken for another's.
            if carrier is not None:
                self._broken = WeakSet() if self._broken is None else self._broken
                self._broken.add(carrier)
                carrier.abort()
            return Retryable("duplicate", "the same answer came to two requests")
        return status, content, headers

    async def get(self, url: str, seconds: float) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of a page. Raises `aiohttp.ClientError`, OSError, TimeoutError, or ValueError for an
        invalid address."""
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with self._pool.get(url, allow_redirects=False, timeout=timeout) as response:
            content = await _whole(response, _MOST_BYTES_OF_PAGE)
            return response.status, self._key.taken_out(content, said=False), response.headers

    def why(self, error: BaseException) -> str:
        """An error in a few words, without secrets, whatever the server sent."""
        text = well_formed(self._key.hidden(" ".join(str(error).split()))[:200])
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()
        if self._single is not None:
            await self._single.close()

    def _url(self, path: str) -> URL:
        if path not in self._urls:
            self._urls[path] = URL(f"{self._address.url}/{path}")
        return self._urls[path]

    def _alone(self) -> aiohttp.ClientSession:
        if self._single is None:
            self._single = self._session(aiohttp.TCPConnector(limit=0, force_close=True))
        return self._single

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"lsm-eval/{__version__}",
            **self._key.headers,
        }
        return aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            cookie_jar=_NoCookies(),
            response_class=_Response,
        )

    def _twice(self, content: bytes) -> bool:
        """Whether an answer equals an earlier one, byte for byte. As servers number their answers, it was then sent twice
        over one connection, and belongs to another request."""
        mark = hash(content)
        if b'"id"' in content and mark in self._seen:
            return True
        self._seen[mark] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False


async def _whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body of an answer. Raises `_TooLong` once it has more than `most` bytes, whatever length it claimed."""
    content = response.content
    part = await content.readany()
    if content.at_eof() and len(part) <= most:  # most answers come at once
        return part
    parts: list[bytes] = []
    size = 0
    while part:
        parts.append(part)
        size += len(part)
        if size > most:
            response.close()
            raise _TooLong(f"the answer has more than {most:,} bytes")
        part = await content.readany()
    return b"".join(parts)


@lru_cache(maxsize=64)
def _silence(seconds: float) -> aiohttp.ClientTimeout:
    """The timeout of a stream: the most seconds between two parts."""
    return aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=seconds)
