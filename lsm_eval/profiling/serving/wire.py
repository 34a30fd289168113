"""A thin HTTP/1.1 client that records time stamps first and parses later.

It keeps the bytes and arrival time of every piece of an answer, and tracks the framing only to know where the answer ends; everything else
(events, JSON, tokens) is parsed after the measurement. Requests are not retried.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from array import array
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lsm_eval import __version__
from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.profiling.serving.framing import BrokenFraming, Framing, Head
from lsm_eval.profiling.serving.spool import Spool
from lsm_eval.profiling.serving.watch import WatchedLoop, WatchedSelector

_clock = time.perf_counter_ns
_IDLE_NANOSECONDS = (
    2_000_000_000  # a connection that was idle for longer may be closed just as it is used again
)
_MOST_BYTES = 512 * 2**20
_MOST_HEAD = 65_536
_SWEEP_SECONDS = 0.1
_SETTLE_SECONDS = 0.1


@dataclass(slots=True)
class Exchange:
    """One request, and its answer as it arrived."""

    started: int = 0
    sent: int | None = None
    headers: int | None = None
    ended: int | None = None
    arrived: array[int] = field(default_factory=lambda: array("q"))
    """Arrival time of each piece, in nanoseconds."""
    parts: list[bytes] = field(default_factory=list)
    """The pieces, including the answer's headers; empty if they are in the client's spool."""
    place: tuple[int, list[int]] | None = None
    """Their place in the spool."""
    body_at: int = 0
    """Offset of the body in all bytes."""
    head: Head | None = None
    failure: str | None = None
    detail: str = ""
    deadline: int = 0


class Client:
    """A pool of connections to one server, within one `WatchedLoop`."""

    def __init__(self, address: Address, key: Key, *, seconds: float) -> None:
        """`seconds`: time limit of one request, including its connection."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop, WatchedLoop):
            raise TypeError("a client needs a WatchedLoop")
        self._loop = loop
        self.selector: WatchedSelector = loop.watched
        parts = urlsplit(address.url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if address.encrypted else 80)
        self._tls = ssl.create_default_context() if address.encrypted else None
        self._path = parts.path
        lines = {
            "Host": parts.netloc,
            "User-Agent": f"lsm-eval/{__version__}",
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            **key.headers,
        }
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._key = key
        self._limit = round(1e9 * seconds)
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()
        self._under_way: set[_Running] = set()
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)
        self.spool = Spool()
        self.keeps = True
        """Whether connections are reused; see `settle`."""
        self.lags = array("q")
        """For each piece, an upper limit for the nanoseconds it waited for its time stamp."""

    @property
    def under_way(self) -> int:
        """Requests that have not ended."""
        return len(self._under_way)

    async def ask(self, path: str, body: bytes) -> Exchange:
        """Send a body and wait until its answer ends or fails."""
        exchange = Exchange(started=_clock())
        exchange.deadline = exchange.started + self._limit
        running = _Running(exchange, self._loop.create_future())
        self._under_way.add(running)
        try:
            connection = self._reused()
            if connection is None:
                connection = await self._connect(exchange)
            if connection is not None:
                running.connection = connection
                head = (
                    f"POST {self._path}/{path} HTTP/1.1\r\n{self._lines}Content-Length: {len(body)}\r\n\r\n"
                )
                connection.send(head.encode("latin-1") + body, running)
                await running.over
        finally:
            self._under_way.discard(running)
        if exchange.ended is None:
            exchange.ended = _clock()
        return exchange

    async def settle(self) -> bool:
        """Whether the server keeps connections open; call it after a successful answer. Some servers close them silently (llama.cpp after a
        stream), and a request that reuses such a connection is not answered; connections are then no longer reused."""
        await asyncio.sleep(_SETTLE_SECONDS)
        self.keeps = self.keeps and any(not one.closed for one in self._idle)
        return self.keeps

    def close(self) -> None:
        """Close all connections."""
        self._sweeper.cancel()
        for one in list(self._open):
            one.drop()
        self.spool.close()

    def take(self, exchange: Exchange) -> Exchange:
        """The exchange with all of its pieces, to be read once."""
        exchange.parts = self.spool.take(exchange.parts, exchange.place)
        return exchange

    async def _connect(self, exchange: Exchange) -> _Connection | None:
        left = max((exchange.deadline - _clock()) * 1e-9, 0.001)
        try:
            async with asyncio.timeout(left):
                _, connection = await self._loop.create_connection(
                    lambda: _Connection(self), self._host, self._port, ssl=self._tls
                )
        except TimeoutError:
            exchange.failure, exchange.detail = "timeout", "no connection came about in time"
        except OSError as error:  # TLS's errors are of this kind, too
            exchange.failure, exchange.detail = "connection", self.why(error)
        else:
            return connection
        return None

    def why(self, error: BaseException) -> str:
        """An error in a few words, without secrets."""
        text = self._key.hidden(" ".join(str(error).split())[:200])
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def _reused(self) -> _Connection | None:
        while self._idle:
            one = self._idle.pop()  # the most recently used one
            if not one.closed and _clock() - one.idle_since < _IDLE_NANOSECONDS:
                return one
            one.drop()
        return None

    def _sweep(self) -> None:
        self._sweeper = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        now = _clock()
        for running in list(self._under_way):
            if now > running.exchange.deadline and running.connection is not None:
                running.connection.fail("timeout", f"no whole answer within {self._limit / 1e9:g} s")


class _Running:
    __slots__ = ("connection", "exchange", "over")

    def __init__(self, exchange: Exchange, over: asyncio.Future[None]) -> None:
        self.exchange, self.over = exchange, over
        self.connection: _Connection | None = None


class _Connection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    __slots__ = (
        "_client", "_framing", "_lags", "_running", "_selector", "_size", "_transport", "closed", "idle_since",
    )  # fmt: skip

    def __init__(self, client: Client) -> None:
        self._client, self._selector, self._lags = client, client.selector, client.lags
        self._running: _Running | None = None
        self._framing: Framing | None = None
        self._size = 0
        self.closed = False
        self.idle_since = _clock()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._client._open.add(self)

    def send(self, content: bytes, running: _Running) -> None:
        """Send a request and wait for its answer."""
        self._running, self._framing, self._size = running, None, 0
        if self.closed:
            self.fail("connection", "it was closed before anything was sent")
            return
        self._transport.write(content)
        running.exchange.sent = _clock()

    def data_received(self, data: bytes) -> None:
        now = _clock()
        running = self._running
        if running is None:
            self.drop()  # data without a request: the state of this connection is unknown
            return
        exchange = running.exchange
        exchange.arrived.append(now)
        exchange.parts.append(data)
        self._lags.append(now - self._selector.since)
        framing, at = self._framing, 0
        try:
            if framing is None:
                found = self._head(exchange, now)
                if found is None:
                    return
                framing, data, at = found
            else:
                self._size += len(data)
                if self._size > _MOST_BYTES:
                    raise BrokenFraming(f"the answer has more than {_MOST_BYTES:,} bytes")
            end = framing.feed(data, at)
        except BrokenFraming as error:
            self.fail("malformed", str(error))
            return
        if end < 0:
            head = exchange.head
            self._end(keeps=-1 - end == len(data) and head is not None and head.keeps)

    def _head(self, exchange: Exchange, now: int) -> tuple[Framing, bytes, int] | None:
        """The framing of the body, the bytes so far and the offset of the body in them, once the headers are complete."""
        data = b"".join(exchange.parts)
        while True:
            start = exchange.body_at
            end = data.find(b"\r\n\r\n", start)
            if end < 0:
                if len(data) > _MOST_HEAD:
                    raise BrokenFraming("its head does not end")
                return None
            head = Head(data[start:end])
            exchange.body_at = end + 4
            if head.status >= 200:
                break
        exchange.headers, exchange.head = now, head
        self._framing = head.framing()
        return self._framing, data, exchange.body_at

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._client._open.discard(self)
        if self._running is None:
            return
        if error is None and self._framing is not None and self._framing.ends_with_connection:
            self._end(keeps=False)
        else:
            self.fail("connection", self._client.why(error) if error else "the server closed it")

    def fail(self, failure: str, detail: str) -> None:
        """Mark the request under way as failed; the connection is not reused."""
        running = self._running
        if running is not None:
            running.exchange.failure, running.exchange.detail = failure, detail
            self._end(keeps=False)

    def _end(self, *, keeps: bool) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.exchange.ended = _clock()
        if keeps and self._client.keeps and not self.closed:
            self.idle_since = running.exchange.ended
            self._client._idle.append(self)
        else:
            self.drop()
        running.exchange.place = self._client.spool.keep(running.exchange.parts)
        if not running.over.done():
            running.over.set_result(None)

    def drop(self) -> None:
        """Close it."""
        if not self.closed:
            self.closed = True
            self._client._open.discard(self)
            self._transport.abort()
