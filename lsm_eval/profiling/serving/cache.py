"""Requests that empty a server's prompt cache, for cold measurements."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from lsm_eval.endpoints.address import Address, read_address
from lsm_eval.endpoints.key import Key
from lsm_eval.errors import UserError

_PATHS = {"vllm": "/reset_prefix_cache", "sglang": "/flush_cache"}
_HINTS = {
    "vllm": "vLLM has this page only where it was started with VLLM_SERVER_DEV_MODE=1",
    "sglang": "SGLang empties its cache only while it computes nothing",
}
_SECONDS = 60.0


def check_flush(text: str) -> str:
    """The value of `--flush`: `vllm`, `sglang` or an address for a POST request. Raises `UserError`."""
    name = text.strip()
    if name.lower() in _PATHS:
        return name.lower()
    if not name.startswith(("http://", "https://")):
        raise UserError(
            f"--flush {text}: write vllm, sglang, or the address that empties the server's cache."
        )
    try:
        read_address(name)
    except UserError as error:
        raise UserError(str(error).replace("--base-url", "--flush")) from None
    return name


def flush(address: Address, key: Key, how: str) -> None:
    """Empty the cache of the server at `address`. Raises `UserError` if the server does not confirm it."""
    target = read_address(address.root + _PATHS[how] if how in _PATHS else how)
    parts = urlsplit(target.url)
    # The key is sent only to the server that it belongs to.
    headers = key.headers if urlsplit(address.url).netloc == parts.netloc else {}
    kind = http.client.HTTPSConnection if target.encrypted else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    hint = f"; {_HINTS[how]}" if how in _HINTS else ""
    try:
        connection.request("POST", parts.path or "/", b"", dict(headers))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        why = key.hidden(" ".join(str(error).split())[:200])
        raise UserError(f"--flush {how}: {target.url} cannot be asked ({why}).") from None
    finally:
        connection.close()
    if status != 200:
        raise UserError(
            f"--flush {how}: {target.url} answered with status {status}, so that its cache may be as it was{hint}."
        )
