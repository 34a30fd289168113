"""What is asked of a server in one measurement, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lsm_eval.profiling.serving.prompts import Scale
from lsm_eval.profiling.serving.stamps import Timed
from lsm_eval.results.profile_rows import Cache, SelfCheckRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request."""

    prompt: str
    prompt_tokens: int
    """As the workload asks; what the server counts stands beside it."""
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Load:
    """Requests, and when they are sent: `concurrency` at a time, or at `times` (nanoseconds from the begin)."""

    requests: Sequence[Wanted]
    concurrency: int | None = None
    times: Sequence[int] | None = None
    rate: float | None = None
    """A second, that the times were made for."""
    seconds: float | None = None
    """None is begun after so long, in a closed loop."""
    cache: Cache = "unknown"
    """`cold`: what is held of prompts is forgotten before; `prefix-warm`: every prompt is read once before."""


@dataclass(slots=True)
class Measured:
    """What came of a load."""

    requests: list[Timed]
    begun: int
    """Nanoseconds of the clock of all stamps."""
    check: SelfCheckRow | None
    notes: list[str] = field(default_factory=list)


class Served(Protocol):
    """A model that is asked request by request."""

    name: str
    """As it stands in messages, such as `openai:qwen3`."""
    scale: Scale
    context: int | None
    cpu_is_clients: bool
    """Whether this process's processor time is the client's, and not the model's."""

    @property
    def writes_on(self) -> bool:
        """Whether answers have the asked length, whatever the model would do."""
        ...

    def prepare(self, longest: int) -> None:
        """Find out what must be known before anything is measured; `longest` is a prompt's length in tokens. Raises `UserError` where
        it cannot be asked."""
        ...

    def prompts(self, seed: int, lengths: Sequence[int], first: int) -> list[str]:
        """Prompts of about these lengths in tokens, like no others; `first` is the first one's number."""
        ...

    def run(self, load: Load) -> Measured:
        """Send a load, and read what came of it."""
        ...

    def flush(self) -> None:
        """Let what is held of prompts be forgotten. Raises `UserError` where that cannot be done."""
        ...

    def close(self) -> None:
        """End what was opened."""
        ...
