"""Finds whether a server that rejects requests limits how many it has at once, rather than how many arrive per minute.

A server that limits concurrency accepts all requests below its limit and none at it; one with a rate quota accepts and
rejects at the same numbers in flight, since these say nothing about the last minute. So if one number separates rejected
requests from accepted ones, in one episode after another, it is the server's limit. The limit is then kept to, without
cuts, and one more request is tried now and then, ever more rarely.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_LAST_TAKEN, _LAST_REFUSED = 300, 16
"""How many of the last tries are examined together."""
_EPISODES = 4  # with answers between them, until the limit is believed
_MOST_EPISODES = 16
_AMONG = (
    0.1  # share of accepted requests that may have been sent at the limit: earlier answers were on their way
)
_ALIKE = 0.7  # least share of rejected requests that were sent at the limit, and not beyond
_LAST_PLACE = 3  # times that the last free slot must have been accepted
_STRIKES = 4  # rejections below the limit after which it is not believed any more: more than by chance
_FORGIVEN = 1 / 200  # of a strike, with each answer
_SOON, _FIRST_TRY, _LAST_TRY = 20, 100, 10_000  # answers until one more is tried


@dataclass(slots=True)
class ConcurrencyCap:
    """The concurrency limit of one server. `beside`: how many other requests were in flight when one was sent."""

    number: int = 0
    """How many requests it takes at once; 0 if it is not known to limit them."""
    trying: bool = False
    """Whether one more than `number` is being tried."""
    _taken: deque[int] = field(default_factory=lambda: deque(maxlen=_LAST_TAKEN))
    """`beside` of each of the last accepted requests."""
    _refused: deque[int] = field(default_factory=lambda: deque(maxlen=_LAST_REFUSED))
    """`beside` of rejected requests, one per episode."""
    _answers: bool = True
    """Whether a request was accepted since the last rejection."""
    _wanted: int = _EPISODES
    _strikes: float = 0.0
    _until: int = _FIRST_TRY
    """Answers until one more is tried."""
    _wait: int = _FIRST_TRY

    @property
    def limit(self) -> int:
        """How many requests may be in flight."""
        return self.number + self.trying

    def answered(self, beside: int) -> None:
        """A request was accepted."""
        if not self.number:
            self._taken.append(beside)
            self._answers = True
            return
        self._strikes = max(self._strikes - _FORGIVEN, 0.0)
        if self.trying and beside >= self.number:  # it takes one more, and the next is tried at once
            self.number, self._wait = self.number + 1, _FIRST_TRY
            return
        self._until -= 1
        self.trying = self.trying or self._until <= 0

    def refused(self, beside: int) -> bool:
        """A request was rejected; returns whether the reason is the number in flight."""
        if self.number:
            if self.trying and beside >= self.number:
                self.trying = False
                self._wait = min(2 * self._wait, _LAST_TRY)
                self._until = self._wait
                return True
            self._strikes += 1
            if self._strikes < _STRIKES:
                if beside >= self.number - 1 > 0:
                    self.number -= 1
                return True
            self.number, self.trying, self._strikes = 0, False, 0.0  # fewer by now, or a quota after all
            self._wanted = min(2 * self._wanted, _MOST_EPISODES)
            self._taken.clear()
            self._refused.clear()
        if self._answers:
            self._refused.append(beside)
        elif self._refused:
            self._refused[-1] = min(self._refused[-1], beside)
        self._answers = False
        self.number = self._found()
        if self.number:
            self._until, self._wait = _SOON, _FIRST_TRY
        return self.number > 0

    def _found(self) -> int:
        """The number that separates rejected requests from accepted ones; 0 if none does."""
        if len(self._refused) < self._wanted:
            return 0
        number = sorted(self._refused)[len(self._refused) // 5]
        if number < 1 or self._taken.count(number - 1) < _LAST_PLACE:
            return 0
        alike = sum(number <= beside <= number + max(1, 0.03 * number) for beside in self._refused)
        late = sum(beside >= number for beside in self._taken)
        parts = alike >= _ALIKE * len(self._refused) and late <= _AMONG * len(self._taken)
        return number if parts else 0
