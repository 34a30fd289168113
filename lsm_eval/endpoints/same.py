"""Checks that several servers are replicas of one model, as far as they say what they run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.server import Server, ServerUnreachable, known_server
from lsm_eval.errors import UserError


async def find_all(addresses: Sequence[Address], key: Key, model: str) -> list[Server | None]:
    """What each server says about itself; None for those that cannot be reached. Raises `UserError` if none can be reached,
    one rejects the key, or two differ."""
    found = await asyncio.gather(
        *(known_server(one, key, model) for one in addresses), return_exceptions=True
    )
    there: list[Server | None] = []
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, ServerUnreachable):
            raise one
        there.append(None if isinstance(one, BaseException) else one)
    if not any(there):
        assert isinstance(found[0], BaseException)
        raise found[0]
    _check_alike(addresses, there)
    return there


async def still_the_same(address: Address, key: Key, model: str, known: Server | None) -> bool | None:
    """Whether a server that was taken out can be reached again and equals `known`; None if it has changed."""
    try:
        found = await known_server(address, key, model)
    except UserError:
        return False
    if known is None:
        return True
    same = (found.name, found.served, found.context) == (known.name, known.served, known.context)
    return same or None


def identity(addresses: Sequence[Address], found: Server) -> dict[str, Any]:
    """The servers' part of the fingerprint. Of several: what they say about the weights, so that it does not depend on how
    many servers there are; if they say nothing, their addresses, sorted. Of one: its address, and what it says about the
    weights, since another file may be served there under the same name."""
    if len(addresses) == 1:
        return {"endpoint": addresses[0].url, **({"served": found.served} if found.served else {})}
    if found.served:
        return {"served": found.served}
    return {"endpoints": sorted(one.url for one in addresses)}


def _check_alike(addresses: Sequence[Address], found: Sequence[Server | None]) -> None:
    there = [(one, what) for one, what in zip(addresses, found, strict=True) if what is not None]
    first, known = there[0]
    for one, what in there[1:]:
        if what.name != known.name:
            raise UserError(
                f"{first.url} is {known.name or 'a server that gives no version'!r} and {one.url} is "
                f"{what.name or 'a server that gives no version'!r}: several --base-url must be replicas of one model that "
                "run the same version; leave one out, or correct it."
            )
        if what.served != known.served:
            raise UserError(
                f"{first.url} and {one.url} do not serve the same model ({known.served[:200] or 'not stated'} and "
                f"{what.served[:200] or 'not stated'}): leave one out, or correct it."
            )
        if what.context != known.context:  # which requests are too long would depend on which server is asked
            raise UserError(
                f"{first.url} and {one.url} do not have the same context length ({_tokens(known)} and {_tokens(what)}): "
                "start both with the same one, or leave one out."
            )


def _tokens(server: Server) -> str:
    return "not stated" if server.context is None else f"{server.context:,} tokens"
