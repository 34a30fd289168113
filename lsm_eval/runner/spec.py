"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lsm_eval.models.base import ModelOptions
from lsm_eval.tasks.data.load import DataOptions

ChatMode = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class RunSpec:
    """The effective options of `lsm-eval run`."""

    tasks: Sequence[str]
    """Names, globs and suites."""
    model: str
    limit: int | None = None
    """Only the first so many samples of each task."""
    shots: int | None = None
    """Examples before each question; None for each task's own number."""
    seed: int = 0
    chat: ChatMode = "auto"
    """Chat templates: `auto` leaves it to the task, `on` and `off` override it."""
    options: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    include: Sequence[Path] = ()
    out: Path = Path("reports")
    store: Path | None = None
    """Folder of the response store; None keeps nothing."""
    command: Sequence[str] = ()
    """As it will stand in the record."""
