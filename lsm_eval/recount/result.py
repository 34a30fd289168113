"""The result of recounting a record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """Problems of a record, and how much of it was counted."""

    folder: Path
    problems: tuple[str, ...]
    """One sentence for each problem; empty if the record is consistent."""
    tasks: int
    samples: int
    """Number of rows in all sample tables that could be read."""
    estimates: int
    recomputed: int
    """Number of values that were recomputed from samples; other estimates are not plain means."""
    without_samples: tuple[str, ...] = ()
    """Tasks that have no sample table according to the manifest."""

    @property
    def whole(self) -> bool:
        """Whether the record has no problem."""
        return not self.problems

    def why(self) -> str:
        """The first problem and the number of others; empty if there is none."""
        if not self.problems:
            return ""
        more = len(self.problems) - 1
        return self.problems[0] + (f" ({more} more: see `lsm-eval records check`.)" if more else "")
