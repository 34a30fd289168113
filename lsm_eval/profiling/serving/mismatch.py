"""Whether requests match a measurement's description: lengths of prompts and answers, and prompts that were not cached before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from lsm_eval.profiling.serving.stamps import TimedRequest

_PROMPT_OFF, _PROMPT_TOKENS = 0.05, 4
"""Tolerance for the lengths of prompts: a share of the requested length, or a number of tokens, whichever is larger."""
_SHORT_ANSWERS = 0.01
_HELD = 0.2
"""Largest share of cached prompt tokens; a chat template may always be cached."""


def mismatches(requests: Sequence[TimedRequest], *, new: bool) -> list[str]:
    """A sentence for each way in which completely answered requests differ from what was requested. `new`: their prompts are
    unique, and no cache was emptied or filled before."""
    whole = [one for one in requests if one.whole]
    found = []
    prompts = [(one.prompt_tokens, one.asked_prompt_tokens) for one in whole]
    off = [
        (read, wanted)
        for read, wanted in prompts
        if read is not None and wanted and abs(read - wanted) > max(_PROMPT_OFF * wanted, _PROMPT_TOKENS)
    ]
    if 2 * len(off) > len(whole):
        read, wanted = (median(one) for one in zip(*off, strict=True))
        found.append(
            f"the server counts {read:,.0f} tokens in a prompt where {wanted:,.0f} were asked for (medians of {len(off):,} requests)."
        )
    answers = [(one.output_tokens, one.asked_output_tokens) for one in whole]
    short = [
        (written, wanted)
        for written, wanted in answers
        if written is not None and wanted and written < wanted
    ]
    if len(short) > _SHORT_ANSWERS * len(whole):
        written, wanted = (median(one) for one in zip(*short, strict=True))
        found.append(
            f"{len(short):,} of {len(whole):,} answers are shorter than asked for: {written:,.0f} tokens instead of {wanted:,.0f} (medians of "
            "these)."
        )
    with_cache = [
        (one.cached_tokens, one.prompt_tokens)
        for one in whole
        if one.cached_tokens is not None and one.prompt_tokens
    ]
    if new and with_cache:
        share = sum(cached for cached, _ in with_cache) / sum(tokens for _, tokens in with_cache)
        if share > _HELD:
            found.append(
                f"the server held {100 * share:.0f} % of the tokens of prompts from before, so that it had less to read: --cache cold empties "
                "its cache, and another --seed makes other prompts."
            )
    return found
