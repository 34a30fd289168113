"""The card of the copying detector, measured on texts that a seed makes from a public-domain book.

`copying_card(text)` returns what `cards/copying.json` holds; `write_card` writes it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

from lsm_eval.detectors.base import Verdict
from lsm_eval.detectors.card import Card, measure
from lsm_eval.detectors.copying import Copying

EDITS = (0.0, 0.05, 0.1, 0.2, 0.3)
"""Shares of words that are edited in the copies, as many copies of each."""
_SOURCE_WORDS, _TEXT_WORDS = 300, 60
_SEED = 1


def copying_card(text: str, *, each: int = 80) -> Card:
    """The card over `each` copies of every rate of `EDITS`, and as many unrelated passages, of a long `text`."""
    pairs = {f"{number}": pair for number, pair in enumerate(labelled(text, each=each, seed=_SEED))}
    return measure(
        _Paired({key: (copy, source) for key, (copy, source, _) in pairs.items()}),
        ((key, label) for key, (_, _, label) in pairs.items()),
        data="karpathy/tiny_shakespeare, train: passages with seeded edits",
        licence="public domain",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        notes=(
            f"Synthetic. Positives: {_TEXT_WORDS} words out of a source of {_SOURCE_WORDS}, of which a share of 0, 5, "
            "10, 20 or 30 % (equally often) is exchanged for another word of the book, left out, or put twice; "
            "negatives: as many words from elsewhere in the book. Says nothing of rewording by people or models, and "
            "nothing of quotations and formulas that two texts share by right."
        ),
    )


def labelled(text: str, *, each: int, seed: int) -> Iterator[tuple[str, str, bool]]:
    """(text, source, whether it was copied from it): `each` of every rate of `EDITS`, and as many unrelated."""
    rng = random.Random(f"copying/{seed}")
    book = text.split()
    last = len(book) - _SOURCE_WORDS
    for rate in EDITS:
        for _ in range(each):
            start = rng.randrange(last)
            source = book[start : start + _SOURCE_WORDS]
            inner = rng.randrange(_SOURCE_WORDS - _TEXT_WORDS)
            copy = edited(source[inner : inner + _TEXT_WORDS], book, rate, rng)
            yield " ".join(copy), " ".join(source), True
            # From at least three sources away, so that nothing of the source is in it.
            far = (start + rng.randrange(3 * _SOURCE_WORDS, last - 3 * _SOURCE_WORDS)) % last
            yield " ".join(book[far : far + _TEXT_WORDS]), " ".join(source), False


def edited(words: list[str], others: list[str], rate: float, rng: random.Random) -> list[str]:
    """The words with a share of them edited: exchanged for one of `others`, left out, or put twice."""
    chosen = set(rng.sample(range(len(words)), round(rate * len(words))))
    made: list[str] = []
    for at, word in enumerate(words):
        if at not in chosen:
            made.append(word)
            continue
        kind = rng.randrange(3)
        made += [rng.choice(others)] if kind == 0 else [] if kind == 1 else [word, word]
    return made


class _Paired:
    """The detector over pairs, each under a key in place of its text."""

    name, version = Copying.name, Copying.version

    def __init__(self, pairs: dict[str, tuple[str, str]]) -> None:
        self._pairs = pairs
        self._detector = Copying()

    def detect(self, text: str) -> Verdict:
        return self._detector.detect(*self._pairs[text])
