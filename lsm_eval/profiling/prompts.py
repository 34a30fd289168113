"""Synthetic prompts with an exact number of tokens, for any model that counts its tokens."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from lsm_eval.models.base import Model
from lsm_eval.requests import Generate

VERSION = 1
"""Part of a workload's hash: raised when the same seed gives other prompts."""
_TEXT = (
    "time year people way day man thing woman life child world school state family student group country problem hand part place case "
    "week company system program question work government number night point home water room mother area money story fact month lot right "
    "study book eye job word business issue side kind head house service friend father power hour game line end member law car city "
    "community name president team minute idea kid body information back parent face others level office door health person art war "
    "history party result change morning reason research girl guy moment air teacher force education foot boy age policy music market"
)
_PIECES = (" the", " a", "a", ".", " 1")
"""Texts that fill up the last tokens."""
_TRIES = 60

Count = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of each prompt as the model reads it."""


def made_up(count: Count, number: int, length: int, rng: random.Random) -> list[str]:
    """`number` prompts of `length` tokens each, of which no two share more than their first few tokens, so that no prefix is cached.

    If the tokenizer cannot produce this exact length, prompts have the nearest length that was found, preferably a shorter one.
    """
    texts = [_words(rng, max(length, 1)) for _ in range(number)]
    best: list[tuple[int, str]] = [(_LONG, text) for text in texts]
    pieces = [0] * number
    for _ in range(_TRIES):
        sizes = count(texts)
        open_ones = []
        for at, (text, size) in enumerate(zip(texts, sizes, strict=True)):
            if _distance(size, length) < best[at][0]:
                best[at] = (_distance(size, length), text)
            if size != length:
                open_ones.append(at)
        if not open_ones:
            break
        for at in open_ones:
            texts[at], pieces[at] = _nearer(texts[at], sizes[at] - length, length, pieces[at], rng)
    return [text for _, text in best]


_LONG = 1 << 40


def _distance(size: int, length: int) -> int:
    """Distance to the wanted length; shorter texts count as nearer."""
    return length - size if size <= length else 2 * (size - length) + 1


def _words(rng: random.Random, number: int) -> str:
    words = _TEXT.split()
    # A random number first: words alone would sometimes give equal beginnings.
    return " ".join([str(rng.randrange(10**6)), *(rng.choice(words) for _ in range(number))])


def _nearer(text: str, over: int, length: int, piece: int, rng: random.Random) -> tuple[str, int]:
    """The text made longer or shorter, and the index of the next filling piece; `over`: the number of tokens it has too many."""
    words = text.split(" ")
    if over > 0:
        each = max((length + over) / len(words), 1.0)
        cut = max(int(over / each), 1)
        if len(words) > cut + 1:
            return " ".join(words[:-cut]), piece
        return text[: max(len(text) - 1, 1)], piece
    if over < -3:
        each = max((length + over) / len(words), 1.0)
        common = _TEXT.split()
        more = max(int(-over / each / 1.2), 1)
        return " ".join([*words, *(rng.choice(common) for _ in range(more))]), piece
    return text + _PIECES[piece % len(_PIECES)], piece + 1


def counted_by(model: Model) -> Count:
    """A counter of the tokens that the model reads for a prompt, including those that it adds."""

    def count(texts: Sequence[str]) -> list[int]:
        costs = model.cost([Generate(text, max_tokens=1) for text in texts])
        return [cost.asked - 1 for cost in costs]

    return count
