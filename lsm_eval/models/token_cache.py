"""A cache of the tokens of texts."""

from __future__ import annotations

import hashlib
from array import array

_REMEMBERED = 64_000_000  # tokens, of four bytes each


class TokenCache:
    """A cache of tokens by text, as requests are first counted and later answered."""

    def __init__(self) -> None:
        self._kept: dict[bytes, array[int]] = {}
        self._room = _REMEMBERED
        self._numbers: list[int] = []

    @staticmethod
    def key(text: str, special: bool) -> bytes:
        """The key of a text, a hash. `special`: with the tokenizer's special tokens."""
        own = b"special" if special else b"plain"
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=own).digest()

    def __contains__(self, key: bytes) -> bool:
        return key in self._kept

    def keep(self, key: bytes, ids: list[int]) -> None:
        """Store the tokens, while there is room."""
        # All lists share one object per number, which takes a quarter of the memory.
        highest = max(ids, default=0)
        if highest >= len(self._numbers):
            self._numbers += range(len(self._numbers), highest + 1)
        ids[:] = map(self._numbers.__getitem__, ids)
        if len(ids) <= self._room:
            self._room -= len(ids)
            self._kept[key] = array("I", ids)

    def get(self, key: bytes) -> list[int]:
        """A new list of the tokens."""
        return list(map(self._numbers.__getitem__, self._kept[key]))
