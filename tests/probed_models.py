"""A model behind a server of the tests' own, and what a probe finds out of it."""

from __future__ import annotations

from typing import Any

from openai_server import Server

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.probe.findings import PathFindings
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate

QUICK = RetryPolicy(first_wait=0.001, longest_wait=0.01)
CHAT, PLAIN = Generate("x", chat=True), Generate("x")


def probed(server: Server, told: list[str] | None = None, **options: Any) -> EndpointModel:
    note = (lambda text: None) if told is None else told.append
    return EndpointModel("small", EndpointOptions(server.url, **options), QUICK, note)


def found_out(server: Server, dialect: Any, request: Generate = CHAT) -> PathFindings:
    server.probe = dialect
    model = probed(server)
    model.probe([request])
    known = model._discovery.capabilities.findings
    assert known is not None
    (found,) = known.paths.values()
    assert known.requests == len(server.probes) <= 11
    return found
