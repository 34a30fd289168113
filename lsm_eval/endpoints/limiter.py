"""How many requests may be in flight at a server: found from its answers, as a state machine without its own clock.

Additive increase, multiplicative decrease (Chiu and Jain 1989, "Analysis of the increase and decrease algorithms for
congestion avoidance in computer networks"), with TCP's slow start (Jacobson 1988) and the growth of CUBIC (Ha, Rhee and
Xu 2008; RFC 9438), which depends on the time since the last cut rather than on the number of requests, so that the limits of
slow and fast servers are found equally soon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lsm_eval.endpoints.concurrency_cap import ConcurrencyCap
from lsm_eval.endpoints.history import History
from lsm_eval.endpoints.pace import Pace
from lsm_eval.endpoints.random_failures import RandomFailures

START = 20.0
_CUT = 0.8
_BELOW = 0.95  # of a limit that was too high: the plateau of the curve
_PLATEAU_SECONDS = 4.5  # from a cut until the limit is nearly what it was before
_PAUSE_SECONDS = 0.05  # the first pause at a server that answers nothing
_LONGEST_PAUSE = 10.0
_EASES = 0.5  # factor of the pause with each answer
_BEYOND_AT_FIRST = 4.0
_BEYOND = 2.0  # times the limit at which a server's throughput last rose
_NO_QUOTA = 10  # episodes at a pace that was believed to be fine, after which there is no quota
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(slots=True)
class Limiter:
    """The limit of one server and model. Times are seconds of any monotonic clock.

    A limit is a real number: 2.5 allows two and three requests in flight by turns. At least one is always allowed. If even
    one at a time is too many, there is a pause before each.
    """

    most: int = 512
    """What the limit never exceeds (`--max-concurrency`)."""
    limit: float = START
    cuts: int = 0
    highest: float = START
    """The highest limit so far."""
    history: History = field(default_factory=History)
    pace: Pace = field(default_factory=Pace)
    """Used if the server has quotas."""
    _quotas: RandomFailures = field(default_factory=RandomFailures)
    """Rejections with status 429."""
    _others: RandomFailures = field(default_factory=RandomFailures)
    """Other rejections, and failed connections."""
    _first: bool = True
    _slow_start: bool = True
    _before: float = START
    """A little less than the limit before the last cut."""
    _after: float = START
    """The limit after the last cut."""
    _cut_at: float = -math.inf
    _grown: float = 0.0
    """Seconds since the last cut in which the limit was fully used."""
    _seen: float | None = None
    """Time of the last answer."""
    _good: bool = True
    """Whether a request was answered since the last cut."""
    _pause: float = 0.0
    """Seconds from one request to the next if one at a time is too many."""
    _not_before: float = -math.inf
    concurrency_cap: ConcurrencyCap = field(default_factory=ConcurrencyCap)
    """Used if the server limits concurrency, whatever the rate."""
    _cap_from: float = -math.inf
    """Requests sent before this time are ignored by `concurrency_cap`: the server had another limit then."""
    _no_pace: int = 0
    """Episodes left in which the pace is not changed, as no pace was slow enough."""
    _no_pace_next: int = 20
    _dither: float = 0.5
    _round: int = 0
    """Answers in this round; a round has as many as may be in flight."""
    _round_began: float | None = None
    _best: float = 0.0
    """Answers per second in the best round."""
    _knee: float = field(default=START)
    """The limit in the best round."""

    def __post_init__(self) -> None:
        self.limit = self.highest = self._before = self._after = self._knee = min(START, float(self.most))

    def bound(self, most: int) -> None:
        """Allow at most `most` from now on."""
        self.most = min(self.most, most)
        self.limit = min(self.limit, float(self.most))

    def allows(self, under_way: int, now: float) -> bool:
        """Whether one more request may be sent in addition to those under way."""
        return now >= self._not_before and now >= self.pace.at and not self.full(under_way)

    def full(self, under_way: int) -> bool:
        """Whether `under_way` requests reach the limit."""
        return under_way >= 1 and under_way + self._dither >= self.limit

    def sent(self, now: float) -> None:
        """A request was sent."""
        if self._first:
            self._first = False
            self.history.add(now, self.limit, "start")
        self.pace.sent(now)
        self._quotas.sent(beyond=self._beyond(quota=True))
        self._others.sent(beyond=self._beyond(quota=False))
        # The limit's fraction is spread evenly over requests (a golden-ratio sequence).
        self._dither = (self._dither + _GOLDEN) % 1.0

    @property
    def wakes(self) -> float:
        """The earliest time at which a request may be sent; in the past if there is no pause."""
        return max(self._not_before, self.pace.at)

    def answered(self, now: float, sent: float, under_way: int, beside: int = 0) -> None:
        """A request was answered that was sent at `sent` with `beside` others in flight; now `under_way`, itself included."""
        if self._seen is None and sent > self.pace.cut_at > -math.inf:
            self.pace = Pace()  # at first it accepted nothing at any pace, and now it does: start anew
        self._good = True
        self._pause *= _EASES
        if self._pause < _PAUSE_SECONDS:
            self._pause = 0.0
        since = 0.0 if self._seen is None else now - self._seen
        self._seen = now
        self._measure(now)
        if sent >= self._cap_from:
            self.concurrency_cap.answered(beside)
        if self.concurrency_cap.number:
            self._raise(float(self.concurrency_cap.limit), now)
            return
        if under_way < 0.8 * self.limit - 1:  # the limit was not used
            return
        if self._pause:
            self._not_before = max(self._not_before, sent + self._pause)
            return
        if self.limit >= (_BEYOND_AT_FIRST if self._slow_start else _BEYOND) * self._knee:
            return
        if self._slow_start:
            self._raise(self.limit + 1, now)
        else:
            self._grown += since
            self._raise(max(self.limit, self._curve()), now)

    def overloaded(
        self,
        now: float,
        sent: float,
        *,
        quota: bool = False,
        beside: int = 0,
        why: str = "overload",
    ) -> None:
        """A request that was sent at `sent` was rejected, or could not connect. There is one cut per episode: requests sent
        before the last cut are ignored. `quota`: the status was 429. `beside`: how many others were in flight when it was
        sent. `why`: for the history."""
        if quota:
            before = self.concurrency_cap.number
            if self.concurrency_cap.refused(beside):
                self._keep_to(float(self.concurrency_cap.limit), now, None if before else why)
                return
            if before:  # it does not limit concurrency after all, so that the limit found is void
                self._cap_from = now
                self.limit = self._before = self._knee = min(max(START, self.limit), float(self.most))
            self.pace.turned_away(sent)
        if sent < max(self._cut_at, self.pace.cut_at if quota else -math.inf):
            return
        if not (self._quotas if quota else self._others).refused(
            trying=self._trying(quota), beyond=self._beyond(quota)
        ):
            return
        if quota and self._by_pace():
            if self.pace.refused(now, sent):
                self._slow_start = False
                self.cuts += 1
                self.history.add(now, self.limit, f"{why}, {self.pace.rate:.3g}/s from here")
            return
        if self.limit <= 1 and (quota or not self._good):
            # One at a time is too many: pause.
            self._pause = min(max(2 * self._pause, _PAUSE_SECONDS), _LONGEST_PAUSE)
            self._not_before = now + self._pause
        if not quota and self.concurrency_cap.number:
            self.concurrency_cap = ConcurrencyCap()  # its number is too high for another reason
        if self._good:
            self._before = max(_BELOW * self.limit, 1.0)
        self.limit = max(1.0, _CUT * self.limit)
        self._after, self._cut_at, self._grown = self.limit, now, 0.0
        self._good = self._slow_start = False
        self.cuts += 1
        self.history.add(now, self.limit, why)
        self._knee = max(self._knee, self.limit)

    def quota_stated(self, now: float, rate: float) -> None:
        """The server states its quota in requests per second, and that little of it is left."""
        before = self.pace.rate
        self.pace.quota_stated(now, rate)
        if before is None or not 0.8 < before / rate < 1.25:
            self._slow_start = False
            self.history.add(now, self.limit, f"told, {rate:.3g}/s from here")

    def described(self) -> str:
        """A short description for a record."""
        return f"{self.limit:.0f} at the end, {self.highest:.0f} at most, cuts: {self.cuts}"

    def _beyond(self, quota: bool) -> bool:
        """Whether the load is higher than was fine before."""
        if quota and self.pace.rate is not None:
            return self.pace.beyond
        return not self._slow_start and self.limit > self._before

    def _trying(self, quota: bool) -> bool:
        """Whether it is unknown if this load is fine."""
        return self.pace.trying if quota and self.pace.rate is not None else self._beyond(quota)

    def _keep_to(self, limit: float, now: float, why: str | None) -> None:
        """Set the limit to the server's own. `why`: for the history; None if nothing changed."""
        self.limit = self._before = min(limit, float(self.most))
        if why is not None:
            self.pace, self._slow_start = Pace(), False
            self.cuts += 1
            self.history.add(now, self.limit, f"{why}, at once")

    def _by_pace(self) -> bool:
        """Whether the server may want fewer requests per second, rather than fewer at once."""
        if self._no_pace:
            self._no_pace -= 1
            return False
        if self.pace.in_a_row > _NO_QUOTA:
            self.pace = Pace()
            self._no_pace = self._no_pace_next
            self._no_pace_next = min(2 * self._no_pace_next, 10_000)
            return False
        return True

    def _raise(self, limit: float, now: float) -> None:
        self.limit = min(limit, float(self.most))
        if self.limit > self.highest:
            self.highest = self.limit
        self.history.grown(now, self.limit)

    def _curve(self) -> float:
        """The limit as a function of the time since the last cut: soon near its former value, slowly past it, then ever faster."""
        away = self._grown / _PLATEAU_SECONDS - 1
        if away < 0:
            return self._before + (self._before - self._after) * away**3
        return self._before * (1 + (1 - _CUT) * away**3)

    def _measure(self, now: float) -> None:
        """Find the limit at which the server's throughput last rose: beyond it, requests only wait in its queue."""
        if self._round_began is None:
            self._round_began = now
            return
        self._round += 1
        if self._round < max(self.limit, 8):
            return
        speed = self._round / max(now - self._round_began, 1e-9)
        self._round, self._round_began = 0, now
        if speed > 1.05 * self._best:
            self._best = speed
            self._knee = max(self.limit, 1.0)
