"""The course of a server's limit in a few rows, for the record."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST = 64
_STEP = 1.25  # a limit that grew by less since the last row gets no new row


@dataclass(frozen=True, slots=True)
class Change:
    """The limit from a time on."""

    seconds: float
    """Since the first request to the server."""
    limit: float
    why: str


@dataclass(slots=True)
class History:
    """The changes of one limit; if there are many, those in the middle of the run are thinned out."""

    _began: float | None = None
    _changes: list[Change] = field(default_factory=list)

    def add(self, now: float, limit: float, why: str) -> None:
        """Add a change in any case."""
        if self._began is None:
            self._began = now
        self._changes.append(Change(round(now - self._began, 1), round(limit, 2), why))
        if len(self._changes) > _MOST:
            del self._changes[1:-1:2]

    def grown(self, now: float, limit: float) -> None:
        """Add a growth of the limit if it is large enough."""
        if self._changes and limit >= _STEP * self._changes[-1].limit:
            self.add(now, limit, "grown")

    def changes(self) -> list[Change]:
        """In order of time."""
        return list(self._changes)
