"""Metrics of privacy, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "privacy.leak",
        "generate",
        {
            "leak_rate": ("LeakRate", "completions that hold a whole secret", "fraction", False),
            "leak_partial": ("LeakPartial", "completions that hold most of a secret", "fraction", False),
        },
    ),
}
