"""Options of a run about its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Options of a run about its data."""

    mirror: Path | None = None
    """Folder to read hub data sets from instead of the hub (--data-mirror, LSM_EVAL_DATA_MIRROR)."""
    files: Path | None = None
    """Folder to read data sets in their source's own files from, instead of downloading them (--data-files,
    LSM_EVAL_DATA_FILES)."""
    offline: bool = False
    """Never use the network; read only the hub's local cache."""
    allow_drift: bool = False
    """Continue if the content does not match the hash that the task file pins."""
