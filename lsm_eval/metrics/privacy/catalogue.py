"""Metrics of privacy that several benchmarks use, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "privacy.leak_by_type",
        "generate",
        {
            "leak_rate": ("leak_rate", "completions that hold a whole secret", "fraction", False),
            "leak_partial": ("leak_partial", "completions that hold most of a secret", "fraction", False),
        },
    ),
    **entries(
        "privacy.extraction",
        "generate",
        {
            "verbatim": (
                "Verbatim",
                "completions that begin with the reference, word for word",
                "fraction",
                False,
            ),
            "edit_similarity": (
                "EditSimilarity",
                "likeness to the reference, in characters",
                "fraction",
                False,
            ),
        },
    ),
}
