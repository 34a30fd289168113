"""The seed sent with a sampled request to a server or model that seeds its random numbers anew for each request."""

from __future__ import annotations

import hashlib

from lsm_eval.requests import Generate

_BITS = 2**31 - 1
"""The largest seed for servers that store seeds as signed 32-bit integers."""


def request_seed(request: Generate) -> int:
    """A different seed for each prompt and each seed of the run: with one for all, answers to different prompts would be sampled
    with the same random numbers, and an interval over them would be too narrow."""
    parts = (request.system, request.prompt, request.chat, request.seed)
    digest = hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest) & _BITS
