"""Tells whether requests are rejected because of the load, or at random: some fail at any pace, and slowing down does not help.

The number of rejections among the last twenty requests is tested against the share of requests that are rejected at random
(a binomial test, in Poisson's approximation). If so many are unlikely, the load was too high; otherwise they were random, and
are added to that share. The level is one in twenty while more is tried than was fine before, and otherwise one in 300. A
quota's rejections come in runs as soon as it is used up, and end below it; random ones come alone, at any pace. Rejections
beyond the pace that was fine are not added to the share, or else a slowly exceeded quota would pass for chance.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

_LAST = 20
"""How many of the last requests are tested together."""
_TRYING = 0.05  # level of the test while more is tried and next to nothing is rejected at random
_ELSE = 0.003  # level otherwise
_SOME = 0.01  # a share of random rejections that is more than next to nothing
_FIRST_LONE, _FIRST_SENT = 0.2, 100.0
"""Prior counts of random rejections and of requests."""
_IN_VAIN = 5  # times that slowing down did not help until the rejections meanwhile are taken for random
_FORGOTTEN = 60  # requests without a rejection after which the share is reset
_REMEMBERED = 1000.0  # requests
_MOST = 0.3
"""The largest share of random rejections; if more are rejected, less is sent in any case."""


@dataclass(slots=True)
class RandomFailures:
    """The share of a server's requests that fail in one way whatever the load."""

    _sent: float = _FIRST_SENT
    _lone: float = _FIRST_LONE
    _count: int = 0
    """Requests sent since the load was last found too high."""
    _first: bool = True
    """Whether the load was never found too high yet."""
    _in_vain: tuple[int, int, int] = (0, 0, 0)
    """Consecutive reductions of the load that did not help; rejections meanwhile, and requests meanwhile."""
    _clear: int = 0
    """Requests sent since the last rejection."""
    _refused: deque[int] = field(default_factory=deque)
    """The values of `_count` at which requests were rejected."""

    @property
    def share(self) -> float:
        """The share of requests that are rejected at random."""
        return min(self._lone / self._sent, _MOST)

    def sent(self, *, beyond: bool) -> None:
        """A request was sent. `beyond`: see `refused`."""
        self._count += 1
        self._clear += 1
        self._sent += not beyond
        if self._clear >= _FORGOTTEN:
            self._sent, self._lone = _FIRST_SENT, _FIRST_LONE
            self._in_vain = (0, 0, 0)
        if self._sent > _REMEMBERED:
            self._sent, self._lone = self._sent / 2, self._lone / 2

    def refused(self, *, trying: bool, beyond: bool) -> bool:
        """A request was rejected; returns whether because of the load. `trying`: it is not known whether this load is fine.
        `beyond`: the load is higher than was fine before."""
        self._clear = 0
        self._refused.append(self._count)
        while self._refused[0] <= self._count - _LAST:
            self._refused.popleft()
        number = len(self._refused)
        expected = self.share * min(max(self._count, 1), _LAST)
        if _tail(number, expected) >= (_TRYING if trying and self.share < _SOME else _ELSE):
            if not beyond:
                self._lone += 1
            return False
        if self._first:
            self._lone -= number - 1  # earlier rejections belonged to the same run
        if beyond or self._first:
            self._in_vain = (0, 0, 0)
        else:
            cuts, refused, sent = self._in_vain
            self._in_vain = (cuts + 1, refused + number, sent + self._count)
        cuts, refused, sent = self._in_vain
        if cuts >= _IN_VAIN:
            if refused < _MOST * sent:
                self._lone += refused
            self._in_vain = (0, 0, 0)
        self._first = False
        self._count = 0
        self._refused.clear()
        return True


def _tail(number: int, expected: float) -> float:
    """The probability of `number` or more if `expected` are expected (Poisson)."""
    term, below = math.exp(-expected), 0.0
    for at in range(number):
        below += term
        term *= expected / (at + 1)
    return 1 - below
