"""What counting a record again came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """What was counted, and what does not add up."""

    folder: Path
    problems: tuple[str, ...]
    """A plain sentence each; none where the record is what it says."""
    tasks: int
    samples: int
    """Rows of all sample tables that could be read."""
    estimates: int
    recomputed: int
    """Estimates whose value was computed again from the samples' scores; the others are no plain means."""
    without_samples: tuple[str, ...] = ()
    """Tasks that have no sample table, and say so."""

    @property
    def whole(self) -> bool:
        """Whether the record is what it says."""
        return not self.problems

    def why(self) -> str:
        """The first problem, and how many more there are; empty where there is none."""
        if not self.problems:
            return ""
        more = len(self.problems) - 1
        return self.problems[0] + (f" ({more} more: see `lsm-eval record check`.)" if more else "")
