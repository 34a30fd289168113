"""One item of a task, rendered: what is asked and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lsm_eval.requests import Request


@dataclass(frozen=True, slots=True)
class Listed:
    """The choices of one request as its prompt lists them; the tuples are parallel."""

    labels: tuple[str, ...]
    """Letters, or numbers where there are too many for letters."""
    texts: tuple[str, ...]
    """The choices; of those that the task's own prompt lists what stands there, or their labels where that is not known."""
    places: tuple[int, ...]
    """Index of each among the task's choices."""
    own: bool = False
    """Whether the task's own prompt lists them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a task, ready to be asked and scored."""

    id: str
    """Stable name within the task's dataset."""
    request: Request
    target: tuple[int, ...] | tuple[str, ...] = ()
    """Score: indices of the right choices. Generate: the references, any of which is right."""
    choices: tuple[str, ...] = ()
    """Score: the choices as the task gives them, without the delimiter that stands before a continuation."""
    cluster: str | None = None
    """What the sample shares with its siblings (a document, a template); samples of one cluster are not
    independent of each other, and intervals respect that."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Further values that metrics read by name, as the task file's `metadata` gives them."""
    further: tuple[Request, ...] = ()
    """More requests where one cannot say it all (choices that stand inside the context, several draws). Their
    answers are joined to the first one's, and the metrics are ones that read several (`metrics.joint`)."""
    missing: str | None = None
    """Why the sample is asked nothing (a null in the data); its request is an empty one then. None for all others."""

    weight: float = 1.0
    """How many samples of its cluster it stands for: m / k where k of a cluster's m samples were drawn (`tasks.draw`)."""
    listed: tuple[Listed, ...] = ()
    """Of a choice that is to be written and not scored: the choices of each of `requests`, parallel to them."""

    @property
    def requests(self) -> tuple[Request, ...]:
        """All that the sample asks."""
        return () if self.missing else (self.request, *self.further)
