"""Requests whose answers come in parts."""

from __future__ import annotations

from typing import Any

from openai_server import Server

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.endpoints.retry_policy import RetryPolicy
from lsm_eval.models.base import EndpointOptions
from lsm_eval.requests import Generate, Response

QUICK = RetryPolicy(tries=3, first_wait=0.01, longest_wait=0.02, stall_seconds=0.3)


def questions_to(
    server: Server, *prompts: str, retry_policy: RetryPolicy = QUICK, **options: Any
) -> list[Response]:
    model = EndpointModel("small", EndpointOptions(server.url, **{"stream": "on", **options}), retry_policy)
    requests = [Generate(text, chat=True) for text in prompts]
    found = {at: one for batch in model.answer(requests) for at, one in batch.items()}
    return [found[at] for at in range(len(prompts))]


def texts_of(found: list[Response]) -> list[Any]:
    return [getattr(one, "text", one) for one in found]
