"""Metrics of hallucination, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry

ENTRIES: dict[str, Entry] = {}
