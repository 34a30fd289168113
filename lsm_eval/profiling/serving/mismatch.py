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
        (read, asked)
        for read, asked in prompts
        if read is not None and asked and abs(read - asked) > max(_PROMPT_OFF * asked, _PROMPT_TOKENS)
    ]
    if 2 * len(off) > len(whole):
        read, asked = (median(one) for one in zip(*off, strict=True))
        found.append(
            f"the server counts {read:,.0f} tokens in a prompt where {asked:,.0f} were asked for (medians of {len(off):,} requests)."
        )
    answers = [(one.output_tokens, one.asked_output_tokens) for one in whole]
    short = [
        (written, asked) for written, asked in answers if written is not None and asked and written < asked
    ]
    if len(short) > _SHORT_ANSWERS * len(whole):
        written, asked = (median(one) for one in zip(*short, strict=True))
        found.append(
            f"{len(short):,} of {len(whole):,} answers are shorter than asked for: {written:,.0f} tokens instead of {asked:,.0f} (medians of "
            "these)."
        )
    held = [
        (one.cached_tokens, one.prompt_tokens)
        for one in whole
        if one.cached_tokens is not None and one.prompt_tokens
    ]
    if new and held:
        share = sum(cached for cached, _ in held) / sum(tokens for _, tokens in held)
        if share > _HELD:
            found.append(
                f"the server held {100 * share:.0f} % of the tokens of prompts from before, so that it had less to read: --cache cold empties "
                "its cache, and another --seed makes other prompts."
            )
    return found
