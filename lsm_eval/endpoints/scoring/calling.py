"""Sends JSON to a server, and raises `Unanswered` if there is no complete answer: what all routes use."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import aiohttp

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.outcome import Refused, Retryable
from lsm_eval.endpoints.reading import read_fault, wait_of
from lsm_eval.endpoints.transport import Transport
from lsm_eval.requests import Failure

_TOO_LONG = (
    "context length",
    "context size",
    "maximum model length",
    "max_model_len",
    "too long",
    "exceeds the context",
)
"""What servers write about a prompt that does not fit, in lower case."""

Server = tuple[Address, Key, str]
"""Its address, the key to it, and its name for the model."""


class Unanswered(Exception):
    """There is no complete answer; `outcome` is what came instead."""

    def __init__(self, outcome: Retryable | Refused | Failure, *, lacking: bool = False) -> None:
        """`lacking`: the answer is complete but does not contain what was requested."""
        super().__init__(outcome.detail)
        self.outcome, self.lacking = outcome, lacking

    @property
    def passing(self) -> bool:
        """Whether the server is overloaded or cannot be reached, so that nothing follows about it."""
        return isinstance(self.outcome, Retryable) and (
            self.outcome.overload or self.outcome.fault == "connection"
        )


class Caller:
    """Posts JSON at a server's root or under its API. Lives in one event loop."""

    def __init__(self, address: Address, key: Key, model: str) -> None:
        self.model = model
        self._address, self._key = address, key
        self._api = Transport(address, key)
        # Separate, as answers at the root have no ids: equal ones there are not duplicates.
        self._root = Transport(replace(address, url=address.root), key)
        self.posts = 0
        """Requests sent."""

    def listen(self, hears: Callable[[Mapping[str, str]], None]) -> None:
        """Have `hears` called with the headers of every answer."""
        self._api.hears = self._root.hears = hears

    async def post(self, path: str, body: Mapping[str, Any], seconds: float) -> Any:
        """The answer to `body`. `path`: `/tokenize` is at the server's root, `completions` under its API. Raises
        `Unanswered`."""
        transport = self._root if path.startswith("/") else self._api
        sent = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        self.posts += 1
        found = await transport.post(path.removeprefix("/"), sent, seconds)
        if isinstance(found, Retryable) and found.fault == "duplicate":
            found = await transport.post(path.removeprefix("/"), sent, seconds, alone=True)
        if isinstance(found, Retryable):
            raise Unanswered(replace(found, detail=self._key.hidden(found.detail)))
        status, content, headers = found
        if status != 200:
            fault = read_fault(status, content, wait_of(headers, time.time()))
            assert isinstance(fault, Retryable | Refused)
            fault = replace(fault, detail=self._key.hidden(fault.detail))
            if isinstance(fault, Refused) and any(part in fault.detail.lower() for part in _TOO_LONG):
                raise Unanswered(Failure("too_long", f"the server says so ({fault.detail})"))
            raise Unanswered(fault)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise Unanswered(
                Retryable("malformed", f"the answer is no JSON ({len(content):,} bytes)")
            ) from None

    async def page(self, path: str, seconds: float) -> Any:
        """A page of the server as JSON, or None if there is none. `path`: as in `post`. Raises `Unanswered`."""
        transport = self._root
        above = self._address.root if path.startswith("/") else f"{self._address.url}/"
        try:
            status, content, _ = await transport.get(f"{above}{path}", seconds)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unanswered(Retryable("connection", transport.why(error))) from None
        if status == 429 or status >= 500:
            raise Unanswered(Retryable("server_error", f"status {status}"))
        try:
            return json.loads(content) if status == 200 else None
        except (ValueError, RecursionError):
            return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()
        await self._root.close()
