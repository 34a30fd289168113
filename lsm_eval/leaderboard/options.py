"""The options of `lsm-eval leaderboard`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLES = 100
"""Samples of a task that its page shows."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a site is made."""

    samples: int = SAMPLES
    """Samples of a task that its page shows."""
    language: str = "en"
    """Language of the interface (`words.LANGUAGES`) until the reader chooses another."""
    reference: str | None = None
    """The run (or row) by whose rates of harm the others are divided."""
    grades: bool = False
    """Whether safety grades are shown; they need a reference."""
    single_file: bool = False
    """Whether the whole site is packed into `index.html`."""
    include: Sequence[Path] = ()
    """Folders of further task files: their suites have columns, and their metrics' descriptions stand on tasks' pages."""
    count_all: bool = False
    """Whether every sample table is counted again, however many there are (`checking`)."""
