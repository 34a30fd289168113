"""The load of one measurement, its result, and the interface of what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lsm_eval.profiling.serving.prompts import Scale
from lsm_eval.profiling.serving.stamps import TimedRequest
from lsm_eval.results.profile_rows import Cache, SelfCheckRow


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a load."""

    prompt: str
    prompt_tokens: int
    """The length that the workload specifies; the server's count is recorded as well."""
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Load:
    """Requests, and when they are sent: `concurrency` at a time, or at `times` (nanoseconds from the start)."""

    requests: Sequence[PlannedRequest]
    concurrency: int | None = None
    times: Sequence[int] | None = None
    rate: float | None = None
    """Requests a second for which the times were made."""
    seconds: float | None = None
    """Time after which no request is started, in a closed loop."""
    cache: Cache = "unknown"
    """`cold`: the prompt cache is emptied before; `prefix-warm`: every prompt is read once before."""


@dataclass(slots=True)
class LoadResult:
    """The result of running a load."""

    requests: list[TimedRequest]
    begun: int
    """Start, in nanoseconds on the clock of all time stamps."""
    check: SelfCheckRow | None
    notes: list[str] = field(default_factory=list)


class ServingTarget(Protocol):
    """A model that takes single requests."""

    name: str
    """Its name in messages, such as `openai:qwen3`."""
    scale: Scale
    context: int | None
    cpu_is_clients: bool
    """Whether this process's processor time is that of the client, not of the model."""

    @property
    def fixed_length(self) -> bool:
        """Whether answers have the requested length, even if the model would end earlier."""
        ...

    def prepare(self, longest: int) -> None:
        """Prepare for measurements; `longest` is the length of the longest prompt in tokens. Raises `UserError` if the model does not
        answer."""
        ...

    def prompts(self, seed: int, lengths: Sequence[int], first: int) -> list[str]:
        """Unique prompts of about these lengths in tokens; `first` is the number of the first one."""
        ...

    def run(self, load: Load) -> LoadResult:
        """Send a load and read the answers."""
        ...

    def flush(self) -> None:
        """Empty the prompt cache. Raises `UserError` if that fails."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...
