"""Metrics of bias, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "bias.gap",
        ("score", "generate", "perplexity"),
        {"gap": ("gap", "a metric over one group minus the same over another", "fraction", None)},
    ),
    **entries(
        "bias.agreement",
        "score",
        {"agreement": ("Agreement", "sets of samples with one choice throughout", "fraction", True)},
    ),
}
