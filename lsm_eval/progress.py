"""How long work says how far it is, without knowing whether anybody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Phase(Protocol):
    """One phase under way."""

    def advance(self, samples: int, tokens: int = 0) -> None:
        """So many more samples (and the tokens they cost) are done."""
        ...


class Progress(Protocol):
    """Where phases report to."""

    def phase(self, name: str, total: int | None = None) -> AbstractContextManager[Phase]:
        """A phase of `total` samples; None where it has no such number."""
        ...

    def note(self, text: str) -> None:
        """One line that a user should see."""
        ...


class _NoPhase:
    def advance(self, samples: int, tokens: int = 0) -> None:
        pass


class Silent:
    """Reports nothing: for use as a library."""

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        yield _NoPhase()

    def note(self, text: str) -> None:
        pass
