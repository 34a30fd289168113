"""What an engine that reads a checkpoint is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EngineSettings:
    """The settings of an engine."""

    folder: Path
    device: str
    """`cpu` or `cuda`, as the engine was built."""
    dtype: str
    context: int | None
    """The most tokens that the model can attend to."""
    devices: int = 1
    """GPUs that the weights are split over."""
    batch_tokens: int | None = None
    trust_remote_code: bool = False
    ends: tuple[int, ...] = ()
    """Tokens that end a text."""
