"""The seed that a drawn answer is asked with, where whoever answers starts its random numbers anew for each request."""

from __future__ import annotations

import hashlib

from lsm_eval.requests import Generate

_BITS = 2**31 - 1
"""What servers take that keep seeds in 32 bits with a sign."""


def stream_seed(request: Generate) -> int:
    """Another one for each prompt and each seed of the run: with the same for all, answers to different prompts would be drawn by
    the same random numbers, and an interval over them would be too narrow."""
    asked = (request.system, request.prompt, request.chat, request.seed)
    digest = hashlib.blake2b(repr(asked).encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest) & _BITS
