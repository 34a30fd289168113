"""One of a model's servers, and a request on its way to one: how many it is sent at once, how it fares, whether it is there."""

from __future__ import annotations

import logging
from array import array
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lsm_eval.endpoints.affinity import Memory
from lsm_eval.endpoints.limiter import Limiter
from lsm_eval.endpoints.outcome import Again, Outcome
from lsm_eval.models.base import ServerInfo

_LOG = logging.getLogger(__name__)
_GONE = {"connection": 3, "timeout": 3, "server_error": 10}
"""So many failures in a row, with no answer between them, of a server that is not there."""
_FIRST_LOOK = 5.0  # seconds until a server that is out is tried again
_LONGEST_LOOK = 60.0


@dataclass(slots=True)
class Job:
    """One request on its way."""

    place: int
    """Index of the request."""
    tries: int = 0
    since: float = 0.0
    """When it was tried first."""
    fault: str | None = None
    """Of its last try."""
    replica: Replica | None = None
    """The server of its last try."""
    sent: float = 0.0
    """When that began."""
    beside: int = 0
    """Others that were under way there when it was sent."""
    spared: tuple[Replica, ...] = ()
    """Servers at which a try failed and cost it none, since there were others."""


Attempt = Callable[[Job, float], Awaitable[Outcome]]
"""Tries a request once, in so many seconds at most."""


@dataclass(eq=False, slots=True)
class Replica:
    """A server of the model. Stays for the whole run; `attempt` and `look` are those of the event loop that asks."""

    url: str
    limiter: Limiter
    attempt: Attempt | None = None
    look: Callable[[], Awaitable[bool]] | None = None
    """Whether a server that was out is there again, and still the same."""
    live: bool = True
    under_way: int = 0
    queue: deque[int] = field(default_factory=deque)
    """Requests that are to go to it next."""
    memory: Memory = field(default_factory=Memory)
    answered: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """Tries that gave no whole answer, by class (`outcome.Fault`)."""
    outs: int = 0
    """How often it was taken out."""
    took: array[float] = field(default_factory=lambda: array("d"))
    """Where seconds of its answers go (`inference.times`)."""
    _row: int = 0
    """Failures since its last answer."""
    _wait: float = _FIRST_LOOK

    @property
    def load(self) -> int:
        """Requests that it has, or will have next."""
        return self.under_way + len(self.queue)

    def settle(self, outcome: Outcome) -> bool:
        """Count the outcome of a try; whether the server seems to be gone."""
        if not isinstance(outcome, Again):
            self.answered += 1
            self._row, self._wait = 0, _FIRST_LOOK
            return False
        self.faults[outcome.fault] += 1
        _LOG.info("%s: a try gave no whole answer (%s: %s)", self.url, outcome.fault, outcome.detail)
        most = _GONE.get(outcome.fault)
        if most is None:  # somebody is there
            self._row = 0
            return False
        self._row += 1
        return self._row >= most

    def told(self) -> ServerInfo:
        """How it fared so far, for a record."""
        return ServerInfo(
            self.url,
            self.answered,
            dict(self.faults),
            self.outs,
            tuple((one.seconds, one.limit, one.why) for one in self.limiter.history.changes()),
        )

    def take_out(self) -> None:
        """It is sent nothing until it is there again."""
        self.live = False
        self.outs += 1
        self._row = 0
        self.memory = Memory()  # who starts anew has read nothing

    def next_look(self) -> float:
        """Seconds until it is looked for again; longer each time."""
        wait, self._wait = self._wait, min(2 * self._wait, _LONGEST_LOOK)
        return wait


@contextmanager
def one_at_a_time(replicas: Sequence[Replica]) -> Iterator[None]:
    """Send each server one request at a time, whatever its limit, which stays as it is."""
    limiters = [one.limiter for one in replicas]
    for one in replicas:
        one.limiter = Limiter(1)
    try:
        yield
    finally:
        for one, limiter in zip(replicas, limiters, strict=True):
            one.limiter = limiter
