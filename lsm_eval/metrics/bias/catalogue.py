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
    **entries(
        "bias.occupation",
        "score",
        {
            "occupation_correlation": (
                "ShareCorrelation",
                "pronouns and the share of women, Pearson",
                "other",
                None,
            ),
            "occupation_gap": ("Gap", "p(she), women's occupations minus others", "fraction", None),
            "pronoun_log_ratio": ("LogRatio", "mean log-ratio of she to he", "nats", None),
            "pronoun_log_ratio_size": ("LogRatioSize", "mean size of that log-ratio", "nats", False),
            "pronoun_neutral_share": ("NeutralShare", "probability of they among pronouns", "fraction", None),
            "pronoun_prefers_she": ("PrefersShe", "she likelier than he", "fraction", None),
        },
    ),
}
