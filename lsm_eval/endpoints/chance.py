"""Whether requests are turned away for what is sent, or by chance: some fail at any pace, and slowing down helps none of them.

Of the last twenty requests, so many were turned away. Where that is rare at the share in which requests are turned away
otherwise, it was too much; else it was chance, and adds to that share (a binomial test, in Poisson's approximation). While
more is tried than was fine before, rare is one in twenty, and else one in 300. A quota's refusals come in runs, as soon as it
is used up, and end below it; those by chance come alone, at any pace. What is turned away beyond the pace that was fine
adds nothing to the share: a quota could teach it by creeping.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

_LAST = 20
"""Requests that are looked at together."""
_TRYING = 0.05  # so rare, while more is tried and next to nothing is turned away by chance
_ELSE = 0.003
_SOME = 0.01  # a share by chance that is more than next to nothing
_FIRST_LONE, _FIRST_SENT = 0.2, 100.0
"""What is thought of a server that was sent nothing yet."""
_IN_VAIN = 5  # times that slowing down did not help, until what was turned away meanwhile is taken for chance
_FORGOTTEN = 60  # requests with none turned away: there is no chance, then
_REMEMBERED = 1000.0  # requests
_MOST = 0.3
"""The share by chance; where more are turned away, less is sent in any case."""


@dataclass(slots=True)
class Chance:
    """The share of a server's requests that fail in one way whatever it is sent."""

    _sent: float = _FIRST_SENT
    _lone: float = _FIRST_LONE
    _count: int = 0
    """Requests sent since the last that were too many."""
    _first: bool = True
    """Whether there was nothing too much yet."""
    _in_vain: tuple[int, int, int] = (0, 0, 0)
    """Times that less was sent, one after the other, and requests were turned away all the same; how many, and of how many."""
    _clear: int = 0
    """Requests sent since one was turned away."""
    _refused: deque[int] = field(default_factory=deque)
    """At which counts requests were turned away."""

    @property
    def share(self) -> float:
        """Of requests that are turned away by chance."""
        return min(self._lone / self._sent, _MOST)

    def sent(self, *, beyond: bool) -> None:
        """A request was sent; whether `beyond`, see `refused`."""
        self._count += 1
        self._clear += 1
        self._sent += not beyond
        if self._clear >= _FORGOTTEN:
            self._sent, self._lone = _FIRST_SENT, _FIRST_LONE
            self._in_vain = (0, 0, 0)
        if self._sent > _REMEMBERED:
            self._sent, self._lone = self._sent / 2, self._lone / 2

    def refused(self, *, trying: bool, beyond: bool) -> bool:
        """A request was turned away; whether for what is sent. `trying`: it is not known whether so much is fine. `beyond`:
        more was sent than was fine before."""
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
            self._lone -= number - 1  # those before it were the beginning of the run
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
    """The chance of so many or more, where so many are expected (Poisson)."""
    term, below = math.exp(-expected), 0.0
    for at in range(number):
        below += term
        term *= expected / (at + 1)
    return 1 - below
