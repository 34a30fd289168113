"""Which server it is, asked where the way to a budget of thoughts hangs on it."""

from __future__ import annotations

import json

import aiohttp

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.budget import OTHER, Server, server_of
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.transport import Transport

_SECONDS = 20.0


async def server_kind(address: Address, key: Key) -> Server:
    """By its host, its list of models or its header; `openai` where nothing tells."""
    transport = Transport(address, key)
    try:
        _, content, headers = await transport.get(f"{address.url}/models", _SECONDS)
        models = json.loads(content)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return server_of(address, None)
    except (ValueError, RecursionError):
        return OTHER
    finally:
        await transport.close()
    return server_of(address, models, headers.get("Server", ""))
