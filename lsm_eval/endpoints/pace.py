"""How many requests per second a server with quotas accepts: learnt from its rejections, and kept to.

A quota is a token bucket that fills evenly. Whenever a request is rejected, the bucket is empty; so the requests accepted
between two rejections are what flowed in meanwhile, to within one. The pace then stays a little below the rate found for some
seventy requests, and rises until the next rejection. Random rejections are sorted out before (`random_failures`).
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field

_BELOW = 0.96  # of the rate found, after a rejection
_OF_STATED = 0.98  # of the rate that a server states
_MISTAKEN = 3  # rejections at a pace that the server stated, after which its statements are not believed
_STAYS = 70  # most requests until more is tried: of so many, one or two are rejected
_DOUBLES_SECONDS = 8.0  # time in which the pace doubles then
_DOUBLES_UNSURE = 2.5  # the same while the rate is not known yet
_STEP = 1.06  # largest factor from one request to the next
_STEP_UNSURE = 1.15
_DOUBLES_GUESSED, _STEP_GUESSED = (
    0.5,
    2.0,
)  # after the first rejection, which tells next to nothing
_MORE = 1.06  # of a pace that was fine for long, and was never measured
_APART = 1.08  # above this ratio of the failed to the last fine pace, with few requests so far, a pace between the two is tried
_GREW = 1.04
_SURE = 10  # episodes until the rate is measured anew
_RAN_OVER = 1.08
_MOST_MARKS = 24
_MOST_SENT = 20_000
_CATCH_UP = 0.05  # seconds: timers may be late by this much, and what they missed is sent at once
_SLOWEST = 1 / 60  # requests per second


@dataclass(slots=True)
class Pace:
    """The pace of one server and model. Times are seconds of any monotonic clock."""

    rate: float | None = None
    """Requests per second; None before the first rejection."""
    at: float = -math.inf
    """When the next request may be sent."""
    _sent: list[float] = field(default_factory=list)
    """When the last accepted requests were sent, as far as is known."""
    _marks: list[float] = field(default_factory=list)
    """When the first rejected request of each episode was sent."""
    cut_at: float = -math.inf
    _stays: int = 0
    """Requests for which the pace stays unchanged."""
    _last: float = -math.inf
    _kept: float = math.inf
    """The pace after the last rejection."""
    _known: float = math.inf
    """The rate learnt from the last rejection; the pace is a little below it."""
    in_a_row: int = 0
    """Consecutive episodes in which a pace that was believed to be fine was too high: a server that rejects at any pace has
    no end of them."""
    _alone: int = 0
    """Requests that were rejected at the pace that is kept to, too few to tell."""
    _is_stated: bool = False
    _stated_wrong: int = 0
    """Episodes at a pace that the server had stated."""
    _fine: bool = False
    _held: float | None = None
    """A pace that was fine, before a higher one was tried."""
    _guessed: bool = False
    """Whether the pace is a guess: after one episode, and without a measurement."""
    _sure: int = 0
    """Episodes for which the rate counts as known: it was measured at a pace that was never below it."""

    def sent(self, now: float) -> None:
        """A request was sent."""
        self._sent.append(now)
        if len(self._sent) > _MOST_SENT:
            del self._sent[: _MOST_SENT // 2]
        if self.rate is None:
            return
        self._stays -= 1
        if self._stays < 0:
            known = self._sure and self.rate < 2 * self._known
            doubles = _DOUBLES_GUESSED if self._guessed else _DOUBLES_SECONDS if known else _DOUBLES_UNSURE
            most = _STEP_GUESSED if self._guessed else _STEP if known else _STEP_UNSURE
            self.rate *= 2 ** min((now - self._last) / doubles, math.log2(most))
        self._last = now
        self.at = max(self.at, now - _CATCH_UP) + 1 / self.rate

    @property
    def beyond(self) -> bool:
        """Whether the pace is higher than was learnt."""
        return self._stays < 0

    @property
    def trying(self) -> bool:
        """Whether it is unknown if the pace is fine."""
        return self._stays < 0 or not self._fine

    def turned_away(self, sent: float) -> None:
        """A request that was sent at `sent` was rejected for whatever reason, so it used nothing of a quota."""
        place = bisect.bisect_left(self._sent, sent)
        if place < len(self._sent) and self._sent[place] == sent:
            del self._sent[place]
        if not self.beyond and sent >= self.cut_at:
            self._alone += 1

    def refused(self, now: float, sent: float) -> bool:
        """A request that was sent at `sent` was rejected because of the pace; returns whether this is a new episode."""
        if sent < self.cut_at:
            return False
        alone, self._alone = self._alone - (not self.beyond), 0
        self._stated_wrong += self._is_stated
        self._is_stated = False
        self._marks.append(sent)
        rate, count = self._learn(sent, alone)
        del self._marks[:-_MOST_MARKS]
        if len(self._sent) > 64:
            del self._sent[: bisect.bisect_left(self._sent, self._marks[0])]
        below = _BELOW if count >= 16 else 0.92 if count else 1.0
        self._known = rate
        self.rate = self._kept = max(below * rate, _SLOWEST)
        self.at = now + (2 if count >= 16 else 1) / self.rate
        self._stays = (
            min(2 + 2 * count, _STAYS) if count else _STAYS if self._fine else 30 if self._sure else 12
        )
        if self._guessed:
            self._stays = 1
        self.cut_at = self._last = now
        return True

    def quota_stated(self, now: float, rate: float) -> None:
        """The server states how many requests per second it accepts, and that few are left."""
        if self._stated_wrong > _MISTAKEN or (self.rate is not None and 0.9 * rate < self.rate < rate):
            return
        self._is_stated = True
        self.rate = self._kept = max(_OF_STATED * rate, _SLOWEST)
        self._known, self._sure, self._fine, self._stays = rate, _SURE, True, _STAYS
        self.at = now + 1 / self.rate
        self.cut_at = self._last = now

    def _found(self) -> tuple[float | None, int]:
        """Accepted requests per second up to the last rejection, over the longest time in which the quota seems to have been
        the same, and their number."""
        end, low, high = self._marks[-1], 0.0, math.inf
        rate, count = None, 0
        for start in reversed(self._marks[:-1]):
            seconds = end - start
            if seconds <= 0:
                continue
            number = self._number(start, end)
            slack = 1 + 0.5 * math.sqrt(number)
            least, most = (number - slack) / seconds, (number + slack) / seconds
            if max(low, least) > min(high, most):
                break
            low, high = max(low, least), min(high, most)
            rate, count = (number + (0.5 if number < 8 else 0)) / seconds, number
        return rate, count

    def _learn(self, sent: float, alone: int) -> tuple[float, int]:
        """The rate in requests per second, and from how many it was learnt. `alone`: earlier rejections at the pace kept to."""
        rate, count = self._found()
        self._guessed = rate is None or self.rate is None
        if (
            rate is None or self.rate is None
        ):  # the first rejection: the initial content of the bucket was used, too
            began = self._sent[0] if self._sent else sent
            return 0.5 * max(bisect.bisect_left(self._sent, sent), 1) / max(sent - began, 0.5), 1
        number = self._number(*self._marks[-2:])
        least = (number - 1) / max(self._marks[-1] - self._marks[-2], 1e-9)
        if self.rate >= _GREW * self._kept:
            self.in_a_row = 0
        else:
            self.in_a_row += 1
        if self.rate < _GREW * self._kept:  # never below the quota: the bucket did not overflow
            if self._held is not None and (count < 4 or _BELOW * rate < self._held < self._kept):
                if count < 4 and self._kept >= _APART * self._held:  # too few to tell
                    self._sure, self._fine = 2, False
                    return self._held**0.4 * self._kept**0.6, 0
                fine, self._held = self._held, None
                self._sure, self._fine = _SURE, True
                return fine, 0
            self._sure, self._fine = (_SURE, True) if count >= 16 else (2 * (count >= 4), False)
            return rate, count
        if self._sure and least < _RAN_OVER * self._known:
            if not self._fine:  # nor is it known by how much the pace was too low
                self._held = self._kept
                del self._marks[:-1]
                return max(rate, _MORE * self._kept), 0
            if alone:  # the bucket did not overflow: the pace was a little too high
                del self._marks[:-2]
                return (number + 0.5) / (self._marks[-1] - self._marks[-2]), number
            self._sure -= 1
            if not self._sure:  # to check whether the rate is still the same, try a little more next time
                self._sure, self._fine = 2, False
            return max(rate, self._kept / _BELOW), max(count, 16)  # the pace kept to was fine
        # The pace was below the quota for a while, and what overflowed meanwhile is unknown: try a rate between the two.
        self._sure, self._fine, self._held = 0, False, self._kept
        del self._marks[:-1]
        between = min(max(math.sqrt(self.rate * self._kept), 1.2 * self._kept), 1.5 * self._kept)
        return max(rate, least, between), 0

    def _number(self, start: float, end: float) -> int:
        """Accepted requests sent between the two times."""
        return bisect.bisect_right(self._sent, end) - bisect.bisect_right(self._sent, start)
