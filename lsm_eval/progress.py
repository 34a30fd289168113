"""How long-running work reports its progress, whether or not anybody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Phase(Protocol):
    """A phase in progress."""

    def advance(self, samples: int, tokens: int = 0) -> None:
        """Report that many more samples, and the tokens they took, as done."""
        ...


class Progress(Protocol):
    """Where phases report to."""

    def phase(self, name: str, total: int | None = None) -> AbstractContextManager[Phase]:
        """A phase of `total` samples; None if the number is not known."""
        ...

    def note(self, text: str) -> None:
        """One line that a user should see."""
        ...


class _NoPhase:
    def advance(self, samples: int, tokens: int = 0) -> None:
        pass


class Silent:
    """Reports nothing: for use from Python."""

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        yield _NoPhase()

    def note(self, text: str) -> None:
        pass
