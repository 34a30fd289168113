"""The state of one of a model's servers (its limit, its failures, whether it can be reached), and of a request on its way."""

from __future__ import annotations

import logging
from array import array
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lsm_eval.endpoints.affinity import PrefixMemory
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.outcome import Outcome, Retryable
from lsm_eval.models.base import ServerInfo

_LOG = logging.getLogger(__name__)
_GONE = {"connection": 3, "timeout": 3, "server_error": 10}
"""Consecutive failures of a kind after which a server counts as gone."""
_FIRST_LOOK = 5.0  # seconds until a server that was taken out is tried again
_LONGEST_LOOK = 60.0


@dataclass(slots=True)
class Job:
    """One request on its way."""

    place: int
    """Index of the request."""
    tries: int = 0
    since: float = 0.0
    """Time of its first try."""
    fault: str | None = None
    """The fault of its last try."""
    replica: Replica | None = None
    """The server of its last try."""
    sent: float = 0.0
    """Time of its last try."""
    beside: int = 0
    """How many others were in flight there when it was sent."""
    spared: tuple[Replica, ...] = ()
    """Servers at which a try failed that is not counted, as there were other servers."""


Attempt = Callable[[Job, float], Awaitable[Outcome]]
"""Tries a request once, in at most so many seconds."""


@dataclass(eq=False, slots=True)
class Replica:
    """A server of the model. Lives for the whole run; `attempt` and `look` belong to the current event loop."""

    url: str
    limiter: Limiter
    attempt: Attempt | None = None
    look: Callable[[], Awaitable[bool]] | None = None
    """Whether a server that was taken out can be reached again, and is still the same."""
    live: bool = True
    under_way: int = 0
    queue: deque[int] = field(default_factory=deque)
    """Requests that it is sent next."""
    memory: PrefixMemory = field(default_factory=PrefixMemory)
    answered: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """Tries without a complete answer, by class (`outcome.Fault`)."""
    outs: int = 0
    """How often it was taken out."""
    took: array[float] = field(default_factory=lambda: array("d"))
    """The seconds of each answer (`inference.times`)."""
    _row: int = 0
    """Failures since its last answer."""
    _wait: float = _FIRST_LOOK

    @property
    def load(self) -> int:
        """Requests that it has or will be sent next."""
        return self.under_way + len(self.queue)

    def settle(self, outcome: Outcome) -> bool:
        """Count the outcome of a try. Returns whether the server seems to be gone."""
        if not isinstance(outcome, Retryable):
            self.answered += 1
            self._row, self._wait = 0, _FIRST_LOOK
            return False
        self.faults[outcome.fault] += 1
        _LOG.info("%s: a try gave no complete answer (%s: %s)", self.url, outcome.fault, outcome.detail)
        most = _GONE.get(outcome.fault)
        if most is None:  # the server can be reached
            self._row = 0
            return False
        self._row += 1
        return self._row >= most

    def summary(self) -> ServerInfo:
        """A summary of the server so far, for a record."""
        return ServerInfo(
            self.url,
            self.answered,
            dict(self.faults),
            self.outs,
            tuple((one.seconds, one.limit, one.why) for one in self.limiter.history.changes()),
        )

    def take_out(self) -> None:
        """Send it nothing until it can be reached again."""
        self.live = False
        self.outs += 1
        self._row = 0
        self.memory = PrefixMemory()  # its cache is empty after a restart

    def next_look(self) -> float:
        """Seconds until it is tried again; longer each time."""
        wait, self._wait = self._wait, min(2 * self._wait, _LONGEST_LOOK)
        return wait


@contextmanager
def one_at_a_time(replicas: Sequence[Replica]) -> Iterator[None]:
    """Send each server one request at a time; its limit is restored afterwards."""
    limiters = [one.limiter for one in replicas]
    for one in replicas:
        one.limiter = Limiter(1)
    try:
        yield
    finally:
        for one, limiter in zip(replicas, limiters, strict=True):
            one.limiter = limiter
