"""Whether llama.cpp's server may read prompts from its cache.

Where every layer sees the whole text, what is kept of a prompt can be cut anywhere, and what is left is the beginning of
another one. Where attention slides or a state runs along, the server can't cut far back: it keeps states of some places to go
back to, and may take one of another text for the prompt's own (seen in llama.cpp of October 2026: numbers several nats off,
and no answer that tells). So the cache is used only where it is seen to be cut to the token.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.patiently import patiently

_SIZES = (1700, 4800)
"""Tokens of the longest prompt: more than servers keep of a window of 1,024 tokens (with a batch of 512), and of one of 4,096."""
_QUICK = 400
_PATIENCE = 10.0
"""Seconds that the first of `_SIZES` may take for the second to be tried."""
_SHARES = (1.0, 0.4, 0.2)
"""Prompts one after the other, as shares of the longest: in a cache that has room for all of it, what slid out is seen to be
gone once others have taken its place."""
_SECONDS = 120.0


async def cuts(
    caller: Caller, probe: Sequence[int], plain: int, most: int | None = None, *, quick: bool = False
) -> bool:
    """Whether the server keeps just what prompts have in common with those before them. `probe`: tokens to make prompts of.
    `plain`: one that it can write. `most`: tokens that fit. `quick`: with short prompts, of a server that was seen to do so. Raises
    `Unanswered`."""
    for size in (_QUICK,) if quick else _SIZES:
        began = time.monotonic()
        longest = size if most is None else min(size, most - 2)
        # Once: a second time, states that the first one left behind would pass. Another client between them costs the cache.
        if not await _cuts(caller, probe, plain, longest):
            return False
        if longest < size or time.monotonic() - began > _PATIENCE:
            break
    return True


async def _cuts(caller: Caller, probe: Sequence[int], plain: int, longest: int) -> bool:
    for at, share in enumerate(_SHARES):
        size = max(int(share * longest), 6)
        prompt = [probe[(one + at + 1) % len(probe)] for one in range(size)]  # begins as none before
        shared, less = size // 3, size // 6
        other = plain if prompt[shared] != plain else probe[0]
        await _kept(caller, prompt)
        if await _kept(caller, [*prompt[:shared], other]) != shared:
            return False
        if await _kept(caller, prompt[:less]) != less - 1:  # the last token is always read
            return False
    return True


async def _kept(caller: Caller, prompt: list[int]) -> int | None:
    """How many tokens of the prompt came from the cache; None where that is not told."""
    body = {
        "prompt": prompt,
        "n_predict": 1,
        "temperature": 0,
        "cache_prompt": True,
        "n_cache_reuse": 0,
        "id_slot": 0,  # otherwise each may go to a slot of its own
        "response_fields": ["timings", "tokens_evaluated"],  # the latter: what it costs
    }
    answer: Any = await patiently(lambda: caller.post("/completion", body, _SECONDS))
    timings = answer.get("timings") if isinstance(answer, dict) else None
    kept = timings.get("cache_n") if isinstance(timings, dict) else None
    return kept if type(kept) is int else None
