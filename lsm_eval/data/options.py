"""What a run decides about its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataOptions:
    """What a run decides about its data."""

    mirror: Path | None = None
    """Folder that hub data sets are read from instead of the hub (--data-mirror, LSM_EVAL_DATA_MIRROR)."""
    files: Path | None = None
    """Folder that data sets in their source's own files are read from instead of being downloaded (--data-files,
    LSM_EVAL_DATA_FILES)."""
    offline: bool = False
    """Never ask the network; the hub's local cache only."""
    allow_drift: bool = False
    """Go on where the content is not what the task file pins."""
