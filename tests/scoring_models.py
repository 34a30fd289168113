"""Models behind servers that tell log-probabilities, of kinds that are proved by the routes of these names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openai_server import Server

from lsm_eval.endpoints.model import EndpointModel
from lsm_eval.models.base import EndpointOptions

KINDS = {"vllm": "prompt_logprobs", "echo": "echo", "sglang": "sglang"}
TOLERANCE = 1e-5


def far_model(server: Server, tokenizer: Path | None = None, **options: Any) -> EndpointModel:
    """`options`: those of `EndpointModel`, such as its `retry_policy`, which is read when it is made."""
    name = None if tokenizer is None else str(tokenizer)
    return EndpointModel("small", EndpointOptions(server.url, max_concurrency=4, tokenizer=name), **options)
