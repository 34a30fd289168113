"""Whether several servers are replicas of one model, as far as they say what they run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.server import NotThere, server_version
from lsm_eval.endpoints.transport import Transport
from lsm_eval.errors import UserError

_SECONDS = 20.0
_TELLING = ("root", "meta")
"""Fields of a model in a server's list that say which weights it is: vLLM and SGLang, llama.cpp."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a server says of itself."""

    version: str
    """`server.server_version`."""
    served: str = ""
    """What it says of the model's weights, as JSON; empty where nothing."""


async def find_all(addresses: Sequence[Address], key: Key, model: str) -> list[Found | None]:
    """What each server says; None of those that are not there. Raises `UserError` where none is, where one does not take
    the key, and where two say that they are not the same."""
    found = await asyncio.gather(*(_find(one, key, model) for one in addresses), return_exceptions=True)
    there: list[Found | None] = []
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, NotThere):
            raise one
        there.append(None if isinstance(one, BaseException) else one)
    if not any(there):
        assert isinstance(found[0], BaseException)
        raise found[0]
    _check_alike(addresses, there)
    return there


async def still_the_same(address: Address, key: Key, model: str, known: Found | None) -> bool | None:
    """Whether a server that was out is there as the others are; None where it is there as another."""
    try:
        found = await _find(address, key, model)
    except UserError:
        return False
    return True if known is None or found == known else None


def identity(addresses: Sequence[Address], found: Found) -> dict[str, Any]:
    """What of several servers goes into the fingerprint: what they say of the weights, so that the same model has the
    same one however many servers it has; where they say nothing, their addresses, in whatever order they were given."""
    if found.served:
        return {"served": found.served}
    return {"endpoints": sorted(one.url for one in addresses)}


async def _find(address: Address, key: Key, model: str) -> Found:
    version = await server_version(address, key)
    transport = Transport(address, key)
    try:
        status, content, _ = await transport.get(f"{address.url}/models", _SECONDS)
        return Found(version, _served(content, model) if status == 200 else "")
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return Found(version)
    finally:
        await transport.close()


def _served(content: bytes, model: str) -> str:
    """What a list of models says of the weights of one."""
    try:
        rows = json.loads(content)["data"]
        row = next((one for one in rows if one["id"] == model), rows[0] if len(rows) == 1 else {})
        told = {name: row[name] for name in _TELLING if row.get(name)}
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return ""
    return json.dumps(told, sort_keys=True) if told else ""


def _check_alike(addresses: Sequence[Address], found: Sequence[Found | None]) -> None:
    there = [(one, what) for one, what in zip(addresses, found, strict=True) if what is not None]
    first, known = there[0]
    for one, what in there[1:]:
        if what.version != known.version:
            raise UserError(
                f"{first.url} is {known.version or 'a server that tells no version'!r} and {one.url} is "
                f"{what.version or 'a server that tells no version'!r}: several --base-url are replicas of one model, which "
                "run the same version; leave one out, or mend it."
            )
        if what.served != known.served:
            raise UserError(
                f"{first.url} and {one.url} do not serve the same model ({known.served[:200] or 'not told'} and "
                f"{what.served[:200] or 'not told'}): leave one out, or mend it."
            )
