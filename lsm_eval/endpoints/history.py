"""How the limit of a server went, in few rows: for a record."""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST = 64
_STEP = 1.25  # a limit that grew by less since the last row is no news


@dataclass(frozen=True, slots=True)
class Change:
    """A limit, from a time on."""

    seconds: float
    """Since the server was asked first."""
    limit: float
    why: str


@dataclass(slots=True)
class History:
    """The changes of one limit; of many, fewer from the middle of the run."""

    _began: float | None = None
    _changes: list[Change] = field(default_factory=list)

    def add(self, now: float, limit: float, why: str) -> None:
        """A change that is news whatever the limit."""
        if self._began is None:
            self._began = now
        self._changes.append(Change(round(now - self._began, 1), round(limit, 2), why))
        if len(self._changes) > _MOST:
            del self._changes[1:-1:2]

    def grown(self, now: float, limit: float) -> None:
        """The limit grew a little."""
        if self._changes and limit >= _STEP * self._changes[-1].limit:
            self.add(now, limit, "grown")

    def changes(self) -> list[Change]:
        """In order of time."""
        return list(self._changes)
