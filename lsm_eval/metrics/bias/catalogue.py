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
    **entries(
        "bias.bold",
        "generate",
        {
            "bold_difference": ("Difference", "tone of one group minus another's (lexical)", "other", None),
            "bold_regard_lexical": (
                "RegardLexical",
                "regard by word lists, -1 to 1 (a stand-in)",
                "other",
                None,
            ),
            "bold_sentiment": ("Sentiment", "sentiment by a word list, -1 to 1", "other", None),
            "bold_spread": (
                "Spread",
                "tone of the best-off minus the worst-off group (lexical)",
                "other",
                None,
            ),
        },
    ),
}
