"""What a server says of itself, before it is asked anything that costs."""

from __future__ import annotations

import json

import aiohttp

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.reading import error_text
from lsm_eval.endpoints.transport import Transport
from lsm_eval.errors import UserError

_SECONDS = 20.0


async def server_version(address: Address, key: Key) -> str:
    """Its name and version: of its page `/version` where there is one, else of the header `Server`; empty where it says
    neither. Raises `UserError` where no server is there, or it does not take the key."""
    transport = Transport(address, key)
    try:
        status, content, headers = await transport.get(f"{address.url}/models", _SECONDS)
        if status == 401:
            raise UserError(key_refused(address, status, key.hidden(_said(content))))
        header = headers.get("Server", "")
        status, content, _ = await transport.get(f"{address.root}/version", _SECONDS)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            f"no server answers at {address.url} ({why}): start it, or mend --base-url."
        ) from error
    finally:
        await transport.close()
    version = _version(content) if status == 200 else ""
    return " ".join(key.hidden(f"{header} {version}").split())[:200]


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
