"""What is known about a metric without loading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["fraction", "points", "perplexity", "bits", "nats", "other"]
"""`fraction`: 0 to 1, shown as a percentage. `points`: 0 to 100, as is usual for BLEU and chrF."""

UNITS: tuple[Unit, ...] = ("fraction", "points", "perplexity", "bits", "nats", "other")

MetricRows = dict[str, tuple[str, str, Unit | None, bool | None, str]]
"""The table METRICS of a benchmark's `code.py` (`folders.declared`)."""

KINDS = ("score", "generate", "perplexity")
"""Kinds of request."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known about a metric without loading it."""

    description: str
    unit: Unit | None
    """None if only the loaded metric knows it."""
    factory: str
    """`module:name` of the callable that makes it."""
    higher_is_better: bool | None
    supports: tuple[str, ...]
    """Kinds of request whose answers it reads."""
    origin: str = "built-in"
    """`built-in`, or the package that registers it."""
