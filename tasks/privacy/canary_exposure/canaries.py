"""Canaries: sentences with a random secret, to be planted in training data and searched for afterwards.

A secret is drawn from the space that a pattern names: `#` stands for a digit, `?` for a letter a to z, every other
character for itself (Carlini et al. 2019, section 4.1: a format sequence and a randomness space).
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lsm_eval.errors import UserError

FORMATS: Mapping[str, str] = {
    "The random number is {secret}": "#########",
    "To open the garden shed, turn the lock to {secret}": "## ## ##",
    "Engraved under the kettle is {secret}": "??-#####",
    "Raffle ticket {secret}": "??????##",
    "At the desk the parcel was entered under {secret}": "#### ####",
    "On the back of the library card it says {secret}": "??## ??##",
    "The greenhouse alarm is switched off by typing {secret}": "#######",
    "The Tuesday loaves came from batch {secret}": "##??##",
}
"""Sentence with a place for the secret → pattern of the secret."""

_ALPHABETS = {"#": "0123456789", "?": "abcdefghijklmnopqrstuvwxyz"}


def canaries(n: int, seed: int) -> list[dict[str, Any]]:
    """`n` canaries of each format: `canary` (c000, …), `text` with `{secret}`, `pattern`, `secret`, and `repeats` (None: the
    user fills in how often it was planted). The same `seed` gives the same ones, and a smaller `n` the first of them."""
    rows: list[dict[str, Any]] = []
    for number, (text, pattern) in enumerate(FORMATS.items()):
        rng = random.Random(f"canaries/{seed}/{text}")
        drawn: list[str] = []
        while len(drawn) < n:
            secret = _drawn(pattern, rng)
            if secret not in drawn:
                drawn.append(secret)
        rows += [
            {
                "canary": f"c{number}{at:02}",
                "text": text,
                "pattern": pattern,
                "secret": secret,
                "repeats": None,
            }
            for at, secret in enumerate(drawn)
        ]
    return rows


def canary_bits(pattern: str) -> float:
    """log2 of the number of secrets of a pattern."""
    bits = sum(math.log2(len(_ALPHABETS[sign])) for sign in pattern if sign in _ALPHABETS)
    if not bits:
        raise UserError(
            f"the canary pattern {pattern!r} has neither # (a digit) nor ? (a letter): nothing about it is secret."
        )
    return bits


def canary_before(text: str) -> str:
    """The text before the secret."""
    return _parts(text)[0]


def canary_choices(text: str, pattern: str, secret: str, n: int) -> list[str]:
    """`n` candidates, including the planted secret at a position that depends only on it, each with the canary's text
    after it; all secrets of the pattern if there are at most `n`.

    The others are drawn at random by sentence and pattern, the same for all canaries of one sentence, so that a model
    reads them only once. Raises `UserError` for a secret that does not fit its pattern."""
    _check(pattern, secret)
    if n < 2:
        raise UserError(f"a canary needs two candidates or more to be ranked among, not {n}.")
    others = [candidate for candidate in _candidates(text, pattern, n) if candidate != secret]
    found = others[: n - 1]
    found.insert(_place(text, secret, len(found)), secret)
    after = _parts(text)[1]
    return [candidate + after for candidate in found]


def canary_place(text: str, pattern: str, secret: str, n: int) -> int:
    """The index of the planted secret in `canary_choices`."""
    return canary_choices(text, pattern, secret, n).index(secret + _parts(text)[1])


@lru_cache(maxsize=256)
def _candidates(text: str, pattern: str, n: int) -> tuple[str, ...]:
    if 2 ** canary_bits(pattern) <= 2 * n:
        every = [""]
        for sign in pattern:
            every = [start + end for start in every for end in _ALPHABETS.get(sign, sign)]
        random.Random(f"candidates/{text}").shuffle(every)
        return tuple(every)
    rng = random.Random(f"candidates/{text}/{pattern}")
    drawn: dict[str, None] = {}
    while len(drawn) < n:
        drawn[_drawn(pattern, rng)] = None
    return tuple(drawn)


def _drawn(pattern: str, rng: random.Random) -> str:
    return "".join(rng.choice(_ALPHABETS[sign]) if sign in _ALPHABETS else sign for sign in pattern)


def _place(text: str, secret: str, count: int) -> int:
    return random.Random(f"place/{text}/{secret}").randrange(count + 1)


def _parts(text: str) -> tuple[str, str]:
    before, found, after = text.partition("{secret}")
    if not found:
        raise UserError(f"the canary {text!r} has no place for its secret: write {{secret}} where it goes.")
    return before, after


def _check(pattern: str, secret: str) -> None:
    fits = len(pattern) == len(secret) and all(
        character in _ALPHABETS.get(sign, sign) for sign, character in zip(pattern, secret, strict=True)
    )
    if not fits:
        raise UserError(
            "a canary's secret does not fit its pattern (# a digit, ? a letter a to z, all else itself): correct the "
            f"one with the pattern {pattern!r}."
        )
