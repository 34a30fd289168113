"""The content of another tool's result file on a server, in one form for all tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lsm_eval.profiling.serving.stamps import Chunk, TimedRequest

_NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class ReportedNumber:
    """One number as the tool reports it."""

    name: str
    """The tool's name for it."""
    value: float
    """In the tool's own unit."""
    unit: str
    scale: float = 1.0
    """Factor for the conversion into our unit: .001 for milliseconds."""

    @property
    def ours(self) -> float:
        """The value in our unit."""
        return self.value * self.scale


@dataclass
class ImportedCell:
    """One measurement."""

    conditions: dict[str, Any]
    title: str
    completed: int
    """Number of requests that were answered completely."""
    failures: dict[str, int] = field(default_factory=dict)
    seconds: float | None = None
    requests: list[TimedRequest] | None = None
    """All requests, if the file has the times of each."""
    between: bool = False
    """Whether the file has the times of all parts of each answer, not only of the first and last."""
    given: dict[str, ReportedNumber] = field(default_factory=dict)
    """The tool's own numbers, by our name for them (`ttft_p99`, `output_tokens_per_second`)."""
    notes: list[str] = field(default_factory=list)


@dataclass
class ImportedProfile:
    """The content of one file, with the files that belong to it."""

    tool: str
    version: str | None
    model: str
    created: datetime
    cells: list[ImportedCell]
    files: list[Path]
    workload: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    stopped: str | None = None
    lacking: list[str] = field(default_factory=list)
    """Information that the files lack, in words."""
    notes: list[str] = field(default_factory=list)


def timed_request(
    index: int,
    started: float,
    times: list[float],
    *,
    ended: float | None = None,
    prompt_tokens: int | None = None,
    output_tokens: int | None = None,
    counted: bool = False,
    failure: str | None = None,
) -> TimedRequest:
    """A request in our form: `started` and the `times` of its answer's parts, in seconds on one clock. `counted`: each part is one token."""
    stamps = [round(at * _NANOSECONDS) for at in times]
    return TimedRequest(
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
    """The common length; None if lengths differ or one is not known."""
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
