"""Entries of the built-in metrics, and the type of the table METRICS in a benchmark's `code.py`."""

from __future__ import annotations

from lsm_eval.folders.entry import Entry as Entry
from lsm_eval.folders.entry import MetricRows as MetricRows
from lsm_eval.folders.entry import Unit


def entries(
    module: str,
    kind: str | tuple[str, ...],
    rows: dict[str, tuple[str, str, Unit, bool | None]],
    room: str = "metrics",
) -> dict[str, Entry]:
    """Entries of built-in metrics in `lsm_eval.<room>.<module>`, which read answers to requests of this kind (or
    kinds), from name → (factory, description, unit, whether higher is better)."""
    kinds = (kind,) if isinstance(kind, str) else kind
    return {
        name: Entry(description, unit, f"lsm_eval.{room}.{module}:{factory}", higher, kinds)
        for name, (factory, description, unit, higher) in rows.items()
    }
