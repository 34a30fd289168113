"""Findings in the user's cache, so that the next run need not probe."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from lsm_eval.endpoints.probe.findings import VERSION, Findings, from_json
from lsm_eval.endpoints.server import Server
from lsm_eval.paths import cache_file

_DAY = 86_400.0


def recall(url: str, model: str, server: Server) -> Findings | None:
    """The cached findings about a model at an address, for exactly what `server` says about itself and the weights. None if
    there are none, or if they are older than a day and the server gives no version."""
    try:
        found = from_json(_file(url, model, server.name, server.served).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if found is None or (not found.version and not 0 <= time.time() - found.at < _DAY):
        return None
    return found


def keep(url: str, model: str, found: Findings) -> None:
    """Cache the findings, atomically; if that fails, the next run probes again."""
    file = _file(url, model, found.server, found.served)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(found.as_json(), ensure_ascii=True), encoding="utf-8")
        part.replace(file)


def _file(url: str, model: str, server: str, served: str) -> Path:
    key = json.dumps([url, model, server, served, VERSION])
    return cache_file("probes") / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
