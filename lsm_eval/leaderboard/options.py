"""What a reader of `lsm-eval leaderboard --help` may choose."""

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
    """Of the interface (`words.LANGUAGES`), until a reader chooses."""
    reference: str | None = None
    """The run (or row) that rates of harm are divided by."""
    grades: bool = False
    """Whether grades of safety are shown; they need a reference."""
    single_file: bool = False
    """Whether the whole site is packed into `index.html`."""
    include: Sequence[Path] = ()
    """Folders of further task files: their suites have columns, and their metrics' descriptions stand on tasks' pages."""
    count_all: bool = False
    """Whether every sample table is counted again, however many there are (`checking`)."""
