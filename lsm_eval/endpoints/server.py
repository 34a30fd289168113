"""What a server says about itself, found with requests that cost nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from lsm_eval.endpoints.address import Address
from lsm_eval.endpoints.key import Key
from lsm_eval.endpoints.reading import error_text
from lsm_eval.endpoints.transport import Transport
from lsm_eval.errors import UserError
from lsm_eval.well_formed import well_formed

_SECONDS = 20.0
_WAITS = (0.3, 1.0, 3.0)
_NOT_YET = frozenset({502, 503, 504})
"""Statuses of a server that is not ready, or of a proxy whose server cannot be reached."""


class ServerUnreachable(UserError):
    """No server answers at an address."""


@dataclass(frozen=True, slots=True)
class Server:
    """What it says about itself."""

    name: str
    """Its name and version, as part of the fingerprint; empty if it gives neither."""
    kind: str | None = None
    """vLLM, SGLang, llama.cpp, TGI or Ollama; None for any other."""
    version: str = ""
    """Its version alone; empty if it gives none."""
    context: int | None = None
    """The most tokens of prompt and answer together, for the model in question."""
    served: str = ""
    """What it says about the model's weights, as JSON; empty if nothing."""


_OWNERS = {"vllm": "vLLM", "sglang": "SGLang", "llamacpp": "llama.cpp", "library": "Ollama"}
"""Kinds of server by `owned_by` of their page `/models`."""
_PAGES = {"llama.cpp": "/props", "SGLang": "/get_server_info", "Ollama": "/api/version"}
"""Pages with the version, of servers that have no `/version`."""
_TELLING = ("root", "meta")
"""Fields of a model in a server's list that say which weights it is: vLLM and SGLang, llama.cpp."""


async def known_server(address: Address, key: Key, model: str) -> Server:
    """What the server says about itself on its pages `/models` and `/version` or the like, and in the header `Server`.
    Raises `UserError` if it cannot be reached, or rejects the key."""
    transport = Transport(address, key)
    try:
        status, content, headers = await _page(transport, f"{address.url}/models")
        if status == 401:
            raise UserError(key_refused(address, status, key.hidden(_said(content))))
        if status in _NOT_YET:  # without its version it would pass for another server
            said = key.hidden(_said(content))
            raise ServerUnreachable(
                f"no server is ready at {address.url} (status {status}{said and ': '}{said}): run the same command again when "
                "it is."
            )
        header = headers.get("Server", "")
        listed = _listed(content, model) if status == 200 else {}
        owner = listed.get("owned_by")
        kind = _OWNERS.get(owner) if isinstance(owner, str) else None
        if kind is None and header == "llama.cpp":
            kind = "llama.cpp"
        page = _json(await _page(transport, f"{address.root}{_PAGES.get(kind or '', '/version')}"))
        if kind is None and not _version(page):
            page = _json(await _page(transport, f"{address.root}/info"))
            kind = "TGI" if isinstance(page, dict) and "model_id" in page else None
            page = page if kind else None
    except aiohttp.ClientSSLError as error:
        raise UserError(
            f"{address.url} has no trusted certificate ({transport.why(error)}): name the file of its certificate authority "
            "in the variable SSL_CERT_FILE, or give --base-url as http:// if it does not encrypt."
        ) from None
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        # `from None`: a traceback would also show what the server sent, which may be the key.
        raise ServerUnreachable(
            f"no server answers at {address.url} ({transport.why(error)}): start it, or correct --base-url."
        ) from None
    finally:
        await transport.close()
    version = _clean(_version(page), key)
    return Server(
        _clean(f"{header} {version}", key), kind, version, _context(listed, page), _served(listed, key)
    )


def _clean(text: str, key: Key) -> str:
    return " ".join(well_formed(key.hidden(text)).split())[:200]


def _listed(content: bytes, model: str) -> dict[str, Any]:
    """The model's entry on the page `/models`, or the only entry if it has another name there."""
    whole = _read(content)
    rows = whole.get("data") if isinstance(whole, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    own = [row for row in rows if row.get("id") == model]
    found: dict[str, Any] = own[0] if own else rows[0] if len(rows) == 1 else {}
    return found


def _served(listed: Mapping[str, Any], key: Key) -> str:
    """What the entry says about the weights."""
    told = {name: listed[name] for name in _TELLING if listed.get(name)}
    return well_formed(key.hidden(json.dumps(told, sort_keys=True))) if told else ""


def _context(listed: Mapping[str, Any], page: Any) -> int | None:
    meta = listed.get("meta")
    settings = page.get("default_generation_settings") if isinstance(page, dict) else None
    candidates = (
        listed.get("max_model_len"),
        listed.get("context_length"),
        settings.get("n_ctx") if isinstance(settings, dict) else None,
        meta.get("n_ctx") if isinstance(meta, dict) else None,
        page.get("max_total_tokens") if isinstance(page, dict) else None,
    )
    return next((one for one in candidates if type(one) is int and 0 < one < 2**40), None)


def _json(page: tuple[int, bytes, Mapping[str, str]]) -> Any:
    return _read(page[1]) if page[0] == 200 else None


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


async def _page(transport: Transport, url: str) -> tuple[int, bytes, Mapping[str, str]]:
    """A page of the server, with retries while it is overloaded: a proxy's error page would make it pass for another server,
    and all requests would be sent anew."""
    for wait in _WAITS:
        found = await transport.get(url, _SECONDS)
        if found[0] != 429 and (found[0] < 500 or found[0] == 501):
            return found
        await asyncio.sleep(wait)
    return await transport.get(url, _SECONDS)


def key_refused(address: Address, status: int, said: str) -> str:
    """The sentence for a server that rejects the key."""
    why = f"status {status}: {said}" if said else f"status {status}"
    return (
        f"{address.url} rejects the key ({why}): set OPENAI_API_KEY to a key of that server, or name another place for it "
        "with --api-key-env NAME or --api-key-file FILE."
    )


def _said(content: bytes) -> str:
    try:
        return error_text(json.loads(content))
    except (ValueError, RecursionError):
        return ""


def _version(found: Any) -> str:
    if isinstance(found, dict):
        version = next((found[name] for name in ("version", "build_info") if found.get(name)), "")
    else:
        version = found
    return version if isinstance(version, str) else ""
