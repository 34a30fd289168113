"""One rendered item of a task: its requests and the right answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lsm_eval.requests import Request


@dataclass(frozen=True, slots=True)
class Listed:
    """The choices of one request as listed in its prompt; the tuples are parallel."""

    labels: tuple[str, ...]
    """Letters, or numbers if there are too many for letters."""
    texts: tuple[str, ...]
    """The choices. If the task's own prompt lists them: their texts there, or their labels if the texts are unknown."""
    places: tuple[int, ...]
    """The index of each among the task's choices."""
    own: bool = False
    """Whether the task's own prompt lists them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a task, ready to be asked and scored."""

    id: str
    """Stable name within the task's dataset."""
    request: Request
    target: tuple[int, ...] | tuple[str, ...] = ()
    """Score: indices of the right choices. Generate: the references, each of which is right."""
    choices: tuple[str, ...] = ()
    """Score: the choices as the task gives them, without the delimiter before a continuation."""
    cluster: str | None = None
    """Name of what the sample shares with others (a document, a template). Samples of one cluster are not
    independent, and intervals take this into account."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Further values that metrics read by name, as the task file's `metadata` gives them."""
    further: tuple[Request, ...] = ()
    """More requests if one is not enough (choices that stand inside the context, several draws). Their
    answers are joined to the first one's, for metrics that read several (`metrics.joint`)."""
    missing: str | None = None
    """Why nothing is asked (a null in the data); the request is then empty. None for all other samples."""

    weight: float = 1.0
    """How many samples of its cluster it represents: m / k if k of a cluster's m samples were drawn (`tasks.draw`)."""
    listed: tuple[Listed, ...] = ()
    """If the choice is written and not scored: the choices of each of `requests`, parallel to them."""

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests of the sample; none if it is missing."""
        return () if self.missing else (self.request, *self.further)
