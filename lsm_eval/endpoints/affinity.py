"""Which server has already read how much of a prompt: a server with a prefix cache need not compute that part again."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence

_CHUNK = 256  # characters, some sixty tokens: servers keep blocks of 16 to 64
_MOST_CHUNKS = 512  # of a prompt; beyond them two long prompts are hardly told apart better
_REMEMBERED = 16_384  # chunks per server: a million tokens, about as much as a server caches


def prefix_hashes(prompt: str) -> list[int]:
    """Hashes of the prompt's prefixes, one per chunk: of its first chunk, its first two chunks, and so on. Equal in every
    process."""
    found: list[int] = []
    mark = 0
    for at in range(0, min(len(prompt), _CHUNK * _MOST_CHUNKS), _CHUNK):
        mark = zlib.crc32(prompt[at : at + _CHUNK].encode("utf-8", "replace"), mark)
        found.append(mark)
    return found or [0]


def weight(url: str, mark: int) -> int:
    """A server's weight for a prompt that none has read (rendezvous hashing: Thaler and Ravishankar 1998,
    "Using name-based mappings to increase hit rates"): the same in every run, whatever the other servers are."""
    return zlib.crc32(url.encode(), mark)


class PrefixMemory:
    """The prompt prefixes that one server read most recently."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, None] = OrderedDict()

    def matched(self, found: Sequence[int]) -> int:
        """How many chunks of a prompt with these `prefix_hashes` the server has read."""
        known = self._known
        low, high = 0, len(found)  # if a prefix is known, so are all shorter ones
        while low < high:
            middle = (low + high) // 2
            if found[middle] in known:
                low = middle + 1
            else:
                high = middle
        return low

    def add(self, found: Sequence[int]) -> None:
        """Note that the server is sent a prompt with these `prefix_hashes`."""
        for mark in reversed(found):  # the shortest prefixes, which most prompts share, are forgotten last
            self._known[mark] = None
            self._known.move_to_end(mark)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
