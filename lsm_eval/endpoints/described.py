"""Describes a model behind servers: for the record, and as the fingerprint that its answers are stored under."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from lsm_eval.endpoints.discovery import Discovery
from lsm_eval.endpoints.same import identity
from lsm_eval.models.base import ModelInfo
from lsm_eval.secrets import without_secrets

_VERSION = 2
"""Part of the fingerprint: raised when what is sent, or how answers are read, changes."""


def info(known: Discovery, *, asked: bool, budget: str) -> ModelInfo:
    """What is known so far. `asked`: whether requests were sent. `budget`: how the servers were given a budget of thoughts."""
    sites, options, capabilities = known.sites, known.options, known.capabilities
    details = {
        "endpoint": without_secrets(", ".join(one.address.url for one in sites)),
        "api": options.api,
    }
    if known.key.more:
        details["headers"] = ", ".join(known.key.more)
    if known.seen is not None:
        details["server"] = known.seen.name or "not told"
    details |= capabilities.details()
    if known.likely is not None:
        details |= known.likely.details
    if budget:
        details["reasoning_budget"] = budget
    if asked:
        details["concurrency"] = "; ".join(one.replica.limiter.described() for one in sites)
    if not all(one.quirks.temperature for one in sites):
        details["temperature"] = "the server's own: it takes no 0"
    return ModelInfo(
        name=f"openai:{known.model}",
        chat_template=options.api != "completions",
        context=known.context,
        details=details,
        servers=tuple(one.replica.summary() for one in sites) if asked else (),
        probed=capabilities.findings.as_json() if capabilities.findings else None,
    )


def fingerprint(known: Discovery) -> str:
    """SHA-256 (hex) over the address, the model's name, the server's version, and what it says about the weights; if it says nothing,
    a change of the weights goes unnoticed. How likelihoods are requested is not part of it (`scored_as`). For several servers see
    `same.identity`. Raises `UserError` if no server can be reached, or two differ."""
    addresses = [one.address for one in known.sites]
    server = known.server
    parts: dict[str, Any] = {
        "model": known.model,
        "server": server.name,
        "api": known.options.api,
        "asking": _VERSION,
        **identity(addresses, server),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def scored_as(known: Discovery) -> str:
    """SHA-256 (hex) over how the servers are asked for log-probabilities, and with which tokenizer; empty if they return none.
    Raises `UserError` if none can be reached."""
    found = known.scoring
    if found.lacks:
        return ""
    return hashlib.sha256(json.dumps(found.parts, sort_keys=True).encode()).hexdigest()
