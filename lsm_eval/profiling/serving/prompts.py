"""Prompts of requested lengths: random words from a seed, so that nothing is cached by chance and the prompts are reproducible.

The number of tokens in a word depends on the model and is measured (`endpoint`); each request's record has both the requested
number of tokens and the server's count.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lsm_eval.profiling.prompts import Count, made_up
from lsm_eval.profiling.serving.traces import BLOCK_TOKENS, TracedRequest

__all__ = ["Count", "Scale", "exact", "made", "replayed", "scale_from", "text"]

VERSION = 1
"""Part of a workload's hash: raised when the same seed gives other prompts."""
_COMMON = (
    "time year people way day man thing life child world school state family student group country problem hand part place case week "
    "company system program question work number night point home water room mother area money story fact month lot right study book "
    "eye job word business issue side kind head house service friend father power hour game line end member law car city name team"
)
WORDS = tuple(_COMMON.split())
"""Common words: after a space, almost all of them are one token for almost all tokenizers."""
_LEAST = 1


@dataclass(frozen=True, slots=True)
class Scale:
    """The number of tokens in a prompt of words: `tokens = around + each * words`."""

    around: float = 0.0
    """Tokens of an empty prompt, such as those of a chat template."""
    each: float = 1.0
    known: bool = False
    """Whether it was measured; else one word counts as one token."""

    def words(self, tokens: int) -> int:
        """The number of words, at least one, for a prompt of about this number of tokens."""
        return max(round((tokens - self.around) / self.each), _LEAST)


def scale_from(short: tuple[int, int | None], long: tuple[int, int | None]) -> Scale:
    """The scale from two prompts: for each its words and its counted tokens (None: not counted)."""
    if short[1] is None or long[1] is None or long[0] <= short[0] or long[1] <= short[1]:
        return Scale()
    each = (long[1] - short[1]) / (long[0] - short[0])
    return Scale(max(short[1] - each * short[0], 0.0), each, known=True)


def text(seed: int, name: str, words: int) -> str:
    """This number of words, drawn by seed and name: texts with the same name begin alike."""
    draw = random.Random(f"{seed}:{name}")
    return " ".join(draw.choices(WORDS, k=words))


def made(seed: int, index: int, tokens: int, scale: Scale) -> str:
    """The prompt of one request with about this number of tokens, different from all others from its first words on."""
    return text(seed, f"request {index}", scale.words(tokens))


def exact(count: Count, seed: int, lengths: Sequence[int], first: int) -> list[str]:
    """Prompts of exactly these lengths, as far as the tokenizer can produce them; `first` is the number of the first one."""
    rng = random.Random(f"{seed}:{first}")
    found = [""] * len(lengths)
    for length in dict.fromkeys(lengths):
        places = [at for at, one in enumerate(lengths) if one == length]
        for at, prompt in zip(places, made_up(count, len(places), length, rng), strict=True):
            found[at] = prompt
    return found


def replayed(seed: int, index: int, traced: TracedRequest, scale: Scale) -> str:
    """The prompt of a traced request. Blocks with equal hashes become equal texts, so that prompts share the same prefixes as in the trace;
    without hashes they share none."""
    if not traced.blocks:
        return made(seed, index, traced.prompt_tokens, scale)
    words = scale.words(traced.prompt_tokens)
    block = max(round(BLOCK_TOKENS / scale.each), _LEAST)
    parts: list[str] = []
    for one in traced.blocks:
        size = min(block, words)
        if size <= 0:
            break
        # The last block is cut short, and a longer prompt's block of the same hash begins with it.
        parts.append(" ".join(text(seed, f"block {one}", block).split(" ")[:size]))
        words -= size
    if words > 0:
        parts.append(text(seed, f"request {index}", words))
    return " ".join(parts)
