"""How often and how long a request is tried, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """When to give up on one request. Seconds."""

    tries: int = 8
    seconds: float = 900.0
    """From its first try on; waiting included."""
    attempt_seconds: float = 600.0
    """One try, at most."""
    stall_seconds: float = 300.0
    """In a stream from one part to the next, at most; models that think unseen are silent for minutes."""
    stream_seconds: float = 3600.0
    """One try whose answer comes as a stream, at most."""
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def wait(self, tries: int, waited_for: float | None, uniform: Callable[[], float]) -> float:
        """Seconds until the next try after `tries` of them: doubled each time, and drawn from the upper half, so that
        requests that failed together do not come back together. `waited_for`: what the server asked for, which is kept
        to. `uniform` draws from [0, 1)."""
        most = min(self.first_wait * float(2 ** (tries - 1)), self.longest_wait)
        return max(most * (0.5 + 0.5 * uniform()), waited_for or 0.0)
