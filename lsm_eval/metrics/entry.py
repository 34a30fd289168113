"""What is known of a metric without loading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsm_eval.metrics.base import Unit

MetricRows = dict[str, tuple[str, str, "Unit | None", bool | None, str]]
"""The table METRICS of a benchmark's `code.py` (`lsm_eval.tasks.declared`)."""

KINDS = ("score", "generate", "perplexity")
"""Kinds of request."""

UNITS: tuple[Unit, ...] = ("fraction", "points", "perplexity", "bits", "nats", "other")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a metric without loading it."""

    description: str
    unit: Unit | None
    """None where only the loaded metric knows it."""
    factory: str
    """`module:name` of the callable that makes it."""
    higher_is_better: bool | None
    supports: tuple[str, ...]
    """Kinds of request whose answers it reads."""
    origin: str = "built-in"
    """`built-in`, or the package that registers it."""


def entries(
    module: str, kind: str | tuple[str, ...], rows: dict[str, tuple[str, str, Unit, bool | None]]
) -> dict[str, Entry]:
    """Entries of built-in metrics that live in `lsm_eval.metrics.<module>` and read answers to requests of this
    kind (or kinds), from name → (factory, description, unit, whether higher is better)."""
    kinds = (kind,) if isinstance(kind, str) else kind
    return {
        name: Entry(description, unit, f"lsm_eval.metrics.{module}:{factory}", higher, kinds)
        for name, (factory, description, unit, higher) in rows.items()
    }
