"""What a server says of itself, before it is asked anything that costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import aiohttp

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.reading import error_text
from lsm_eval.endpoints.transport import Transport
from lsm_eval.errors import UserError
from lsm_eval.well_formed import well_formed

_SECONDS = 20.0
_WAITS = (0.3, 1.0, 3.0)


class NotThere(UserError):
    """No server answers at an address."""


async def server_version(address: Address, key: Key) -> str:
    """Its name and version: of its page `/version` where there is one, else of the header `Server`; empty where it says
    neither. Raises `UserError` where no server is there, or it does not take the key."""
    transport = Transport(address, key)
    try:
        status, content, headers = await _page(transport, f"{address.url}/models")
        if status == 401:
            raise UserError(key_refused(address, status, key.hidden(_said(content))))
        header = headers.get("Server", "")
        status, content, _ = await _page(transport, f"{address.root}/version")
    except aiohttp.ClientSSLError as error:
        raise UserError(
            f"{address.url} has no encryption that can be trusted ({transport.why(error)}): name the file of who signed its "
            "certificate in the variable SSL_CERT_FILE, or give --base-url as http:// where it does not encrypt."
        ) from None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        # `from None`: a traceback, too, would show what the server sent, and that may be the key.
        raise NotThere(
            f"no server answers at {address.url} ({transport.why(error)}): start it, or mend --base-url."
        ) from None
    finally:
        await transport.close()
    version = _version(content) if status == 200 else ""
    return " ".join(well_formed(key.hidden(f"{header} {version}")).split())[:200]


async def _page(transport: Transport, url: str) -> tuple[int, bytes, Mapping[str, str]]:
    """A page of the server. One that has too much to do just now is asked again: what stands in front of it would give
    it another name, and all its answers were asked anew."""
    for wait in _WAITS:
        found = await transport.get(url, _SECONDS)
        if found[0] != 429 and (found[0] < 500 or found[0] == 501):
            return found
        await asyncio.sleep(wait)
    return await transport.get(url, _SECONDS)


def key_refused(address: Address, status: int, said: str) -> str:
    """One sentence for a server that does not take the key."""
    why = f"status {status}: {said}" if said else f"status {status}"
    return (
        f"{address.url} does not take the key ({why}): set OPENAI_API_KEY to a key of that server, or name where it is "
        "with --api-key-env NAME or --api-key-file FILE."
    )


def _said(content: bytes) -> str:
    try:
        return error_text(json.loads(content))
    except (ValueError, RecursionError):
        return ""


def _version(content: bytes) -> str:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    version = found.get("version") if isinstance(found, dict) else found
    return version if isinstance(version, str) else ""
