"""Which server has read how much of a prompt before: a server that keeps what it read (a prefix cache) need not read it again."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence

_CHUNK = 256  # characters, some sixty tokens: servers keep blocks of 16 to 64
_MOST_CHUNKS = 512  # of a prompt; what is behind them tells two long prompts apart no better
_REMEMBERED = 16_384  # chunks a server: a million tokens, about as much as a server keeps


def marks(prompt: str) -> list[int]:
    """A number for each beginning of the prompt that is so many whole chunks long, and one for all of it. Equal in every
    process."""
    found: list[int] = []
    mark = 0
    for at in range(0, min(len(prompt), _CHUNK * _MOST_CHUNKS), _CHUNK):
        mark = zlib.crc32(prompt[at : at + _CHUNK].encode("utf-8", "replace"), mark)
        found.append(mark)
    return found or [0]


def weight(url: str, mark: int) -> int:
    """How much a server is wanted for a prompt that none has read (rendezvous hashing: Thaler and Ravishankar 1998,
    "Using name-based mappings to increase hit rates"): the same in every run, whatever the other servers are."""
    return zlib.crc32(url.encode(), mark)


class Memory:
    """The beginnings of prompts that one server read last."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, None] = OrderedDict()

    def matched(self, found: Sequence[int]) -> int:
        """How many chunks of a prompt with these `marks` it has read."""
        known = self._known
        low, high = 0, len(found)  # a beginning that is known has only known ones before it
        while low < high:
            middle = (low + high) // 2
            if found[middle] in known:
                low = middle + 1
            else:
                high = middle
        return low

    def add(self, found: Sequence[int]) -> None:
        """A prompt goes there."""
        for mark in reversed(found):  # the shortest beginnings, which most prompts share, are forgotten last
            self._known[mark] = None
            self._known.move_to_end(mark)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
