"""What a result file of another tool says of how a server served, in words that are the same for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval.profiling.serving.stamps import Chunk, Timed

_NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Given:
    """One number as the tool gives it."""

    name: str
    """The tool's."""
    value: float
    """In the tool's own unit."""
    unit: str
    scale: float = 1.0
    """What it is multiplied with to be in ours: .001 of milliseconds."""

    @property
    def ours(self) -> float:
        """In our unit."""
        return self.value * self.scale


@dataclass
class FoundCell:
    """One measurement."""

    conditions: dict[str, Any]
    title: str
    completed: int
    """Requests that were answered whole."""
    failures: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    requests: list[Timed] | None = None
    """All of them, where the file has the times of each."""
    between: bool = False
    """Whether the times of all parts of each answer are there, not of the first and last alone."""
    given: dict[str, Given] = field(default_factory=dict)
    """The tool's own numbers, by our name for them (`ttft_p99`, `output_tokens_per_second`)."""
    notes: list[str] = field(default_factory=list)


@dataclass
class FoundProfile:
    """One file, or one with what lies beside it."""

    tool: str
    version: str | None
    model: str
    created: datetime
    cells: list[FoundCell]
    files: list[Path]
    workload: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    stopped: str | None = None
    lacking: list[str] = field(default_factory=list)
    """What the files do not say, in words."""
    notes: list[str] = field(default_factory=list)


def timed(
    index: int,
    started: float,
    times: list[float],
    *,
    ended: float | None = None,
    prompt_tokens: int | None = None,
    output_tokens: int | None = None,
    counted: bool = False,
    failure: str | None = None,
) -> Timed:
    """A request in our form: `started`, and the `times` of the parts of its answer, in seconds of one clock. `counted`: each part is one
    token."""
    stamps = [round(at * _NANOSECONDS) for at in times]
    return Timed(
        index=index,
        started=round(started * _NANOSECONDS),
        ended=round(ended * _NANOSECONDS) if ended is not None else stamps[-1] if stamps else None,
        chunks=[] if failure else [Chunk(at, 1 if counted else None) for at in stamps],
        prompt_tokens=prompt_tokens,
        output_tokens=None if failure else output_tokens,
        failure=failure,
        counted_by="one a part" if counted else None,
    )


def one_length(values: list[int | None]) -> int | None:
    """The length that all have; None where they differ, or one is not known."""
    known = set(values)
    return known.pop() if len(known) == 1 else None


def load_title(conditions: Mapping[str, Any]) -> str:
    """A measurement's load in words."""
    if conditions.get("loop") == "closed":
        return f"Serving, {conditions['concurrency']} at a time"
    rate = conditions.get("rate")
    arrivals = conditions.get("arrivals")
    if rate is None:
        return "Serving, all at once" if arrivals == "all at once" else "Serving"
    return f"Serving, {rate:g} a second{f', {arrivals}' if arrivals else ''}"
