"""How often and how long a request is retried, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to give up on one request. Times are in seconds."""

    tries: int = 8
    seconds: float = 900.0
    """The most since its first try, waits included."""
    attempt_seconds: float = 600.0
    """The most for one try."""
    stall_seconds: float = 300.0
    """The most from one part of a stream to the next; models with hidden thoughts are silent for minutes."""
    stream_seconds: float = 3600.0
    """The most for one try whose answer is streamed."""
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def wait(self, tries: int, waited_for: float | None, uniform: Callable[[], float]) -> float:
        """Seconds until the next try after `tries` of them: exponential backoff with jitter over its upper half, so that
        requests that failed together do not return together. `waited_for`: the wait that the server asked for, a lower
        bound. `uniform` draws from [0, 1)."""
        most = min(self.first_wait * float(2 ** (tries - 1)), self.longest_wait)
        return max(most * (0.5 + 0.5 * uniform()), waited_for or 0.0)
