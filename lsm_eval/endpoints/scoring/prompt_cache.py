"""Whether llama.cpp's server may read prompts from its cache.

If every layer attends to the whole text, the cache of a prompt can be cut anywhere, and the rest used as the prefix of another
prompt. With sliding-window attention or recurrent state, the server cannot cut far back: it keeps snapshots at some places,
and may take one of another text for the prompt's own (seen in llama.cpp of October 2026: log-probabilities several nats off,
with no sign of it in the answer). So the cache is used only if it is seen to be cut at the exact token.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lsm_eval.endpoints.scoring.calling import Caller
from lsm_eval.endpoints.scoring.retries import with_retries

_SIZES = (1700, 4800)
"""Tokens of the longest prompt: more than servers cache for a window of 1,024 tokens (with a batch of 512), and for one of 4,096."""
_QUICK = 400
_PATIENCE = 10.0
"""The second of `_SIZES` is tried if the first took at most so many seconds."""
_SHARES = (1.0, 0.4, 0.2)
"""Lengths of consecutive prompts, as shares of the longest: in a cache that could hold all of it, tokens that left the window
are overwritten only by later prompts."""
_SECONDS = 120.0


async def cuts(
    caller: Caller, probe: Sequence[int], plain: int, most: int | None = None, *, quick: bool = False
) -> bool:
    """Whether the server reuses exactly the common prefix of a prompt and the one before. `probe`: tokens to make prompts of.
    `plain`: a token that it can generate. `most`: the most tokens that fit. `quick`: with short prompts only, for a server that
    passed before. Raises `Unanswered`."""
    for size in (_QUICK,) if quick else _SIZES:
        began = time.monotonic()
        longest = size if most is None else min(size, most - 2)
        # Not repeated: snapshots left by the first time would pass. If another client interferes, the cache is not used.
        if not await _cuts(caller, probe, plain, longest):
            return False
        if longest < size or time.monotonic() - began > _PATIENCE:
            break
    return True


async def _cuts(caller: Caller, probe: Sequence[int], plain: int, longest: int) -> bool:
    for at, share in enumerate(_SHARES):
        size = max(int(share * longest), 6)
        prompt = [probe[(one + at + 1) % len(probe)] for one in range(size)]  # with a new first token
        shared, less = size // 3, size // 6
        other = plain if prompt[shared] != plain else probe[0]
        await _kept(caller, prompt)
        if await _kept(caller, [*prompt[:shared], other]) != shared:
            return False
        if await _kept(caller, prompt[:less]) != less - 1:  # the last token is always read
            return False
    return True


async def _kept(caller: Caller, prompt: list[int]) -> int | None:
    """How many tokens of the prompt came from the cache; None if the server does not say."""
    body = {
        "prompt": prompt,
        "n_predict": 1,
        "temperature": 0,
        "cache_prompt": True,
        "n_cache_reuse": 0,
        "id_slot": 0,  # otherwise each may get another slot
        "response_fields": ["timings", "tokens_evaluated"],  # the latter for the cost
    }
    answer: Any = await with_retries(lambda: caller.post("/completion", body, _SECONDS))
    timings = answer.get("timings") if isinstance(answer, dict) else None
    kept = timings.get("cache_n") if isinstance(timings, dict) else None
    return kept if type(kept) is int else None
