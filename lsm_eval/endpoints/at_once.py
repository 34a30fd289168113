"""Whether a server that turns requests away counts those that it has at once, rather than those that come in a time.

Such a server takes whatever comes while it has fewer than its number, and nothing while it has that many; one with a quota
turns away and takes at the same numbers under way, since those that it has say nothing of what came in a minute. So where a
number parts what was turned away from what was taken, in one episode after the other, it is the server's own. Its number is
then kept to, without a cut, and one more is tried now and then, ever more seldom.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_LAST_TAKEN, _LAST_REFUSED = 300, 16
"""Tries that are looked at together."""
_EPISODES = 4  # with answers between, until its number is believed
_MOST_EPISODES = 16
_AMONG = 0.1  # of those taken may have come when it was full: their forerunners' answers were on their way
_ALIKE = 0.7  # of those turned away came when it had its number, and no more
_LAST_PLACE = 3  # times that its last place was taken
_STRIKES = 4  # turned away while it had fewer, until it is not believed any more: more than by chance
_FORGIVEN = 1 / 200  # of one, with each answer
_SOON, _FIRST_TRY, _LAST_TRY = 20, 100, 10_000  # answers until one more is tried


@dataclass(slots=True)
class AtOnce:
    """The number of one server. `beside`: how many other requests were under way when one was sent."""

    number: int = 0
    """Requests at once that it takes; 0 where it is not known to count them."""
    trying: bool = False
    """Whether one more is tried."""
    _taken: deque[int] = field(default_factory=lambda: deque(maxlen=_LAST_TAKEN))
    """Those beside each of the last that were taken."""
    _refused: deque[int] = field(default_factory=lambda: deque(maxlen=_LAST_REFUSED))
    """The same of those that were turned away, one an episode."""
    _answers: bool = True
    """Whether something was taken since the last that was turned away."""
    _wanted: int = _EPISODES
    _strikes: float = 0.0
    _until: int = _FIRST_TRY
    """Answers until one more is tried."""
    _wait: int = _FIRST_TRY

    @property
    def limit(self) -> int:
        """How many may be under way."""
        return self.number + self.trying

    def answered(self, beside: int) -> None:
        """A request was taken."""
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
        """A request was turned away; whether that is for those that were under way."""
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
        """The number that parts those turned away from those taken; 0 where none does."""
        if len(self._refused) < self._wanted:
            return 0
        number = sorted(self._refused)[len(self._refused) // 5]
        if number < 1 or self._taken.count(number - 1) < _LAST_PLACE:
            return 0
        alike = sum(number <= beside <= number + max(1, 0.03 * number) for beside in self._refused)
        late = sum(beside >= number for beside in self._taken)
        parts = alike >= _ALIKE * len(self._refused) and late <= _AMONG * len(self._taken)
        return number if parts else 0
