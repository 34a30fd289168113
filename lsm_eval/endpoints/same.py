"""Whether several servers are replicas of one model, as far as they say what they run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.server import NotThere, Server, known_server
from lsm_eval.errors import UserError


async def find_all(addresses: Sequence[Address], key: Key, model: str) -> list[Server | None]:
    """What each server says; None of those that are not there. Raises `UserError` where none is, where one does not take
    the key, and where two say that they are not the same."""
    found = await asyncio.gather(
        *(known_server(one, key, model) for one in addresses), return_exceptions=True
    )
    there: list[Server | None] = []
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, NotThere):
            raise one
        there.append(None if isinstance(one, BaseException) else one)
    if not any(there):
        assert isinstance(found[0], BaseException)
        raise found[0]
    _check_alike(addresses, there)
    return there


async def still_the_same(address: Address, key: Key, model: str, known: Server | None) -> bool | None:
    """Whether a server that was out is there as the others are, `known`; None where it is there as another."""
    try:
        found = await known_server(address, key, model)
    except UserError:
        return False
    if known is None:
        return True
    same = (found.name, found.served, found.context) == (known.name, known.served, known.context)
    return same or None


def identity(addresses: Sequence[Address], found: Server) -> dict[str, Any]:
    """What of the servers goes into the fingerprint. Of several: what they say of the weights, so that the same model has
    the same one however many servers it has; where they say nothing, their addresses, in whatever order they were given.
    Of one: its address, and what it says of the weights, since another file may be served there under the same name."""
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
                f"{first.url} is {known.name or 'a server that tells no version'!r} and {one.url} is "
                f"{what.name or 'a server that tells no version'!r}: several --base-url are replicas of one model, which "
                "run the same version; leave one out, or mend it."
            )
        if what.served != known.served:
            raise UserError(
                f"{first.url} and {one.url} do not serve the same model ({known.served[:200] or 'not told'} and "
                f"{what.served[:200] or 'not told'}): leave one out, or mend it."
            )
        if what.context != known.context:  # which requests were too long would hang on who was asked
            raise UserError(
                f"{first.url} and {one.url} do not read equally long texts ({_tokens(known)} and {_tokens(what)}): start "
                "both with the same context, or leave one out."
            )


def _tokens(server: Server) -> str:
    return "not told" if server.context is None else f"{server.context:,} tokens"
