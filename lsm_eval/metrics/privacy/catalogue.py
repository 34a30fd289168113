"""Metrics of privacy, by name."""

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
        "privacy.leak_blind",
        "generate",
        {"leak_blind": ("LeakBlind", "leaks guessed without asking the model", "fraction", None)},
    ),
    **entries(
        "privacy.leak_protection",
        "generate",
        {
            "leak_protection": (
                "LeakProtection",
                "leaks that a protecting instruction prevents",
                "other",
                True,
            )
        },
    ),
    **entries(
        "privacy.prompt_extraction",
        "generate",
        {
            "prompt_containment": (
                "PromptContainment",
                "share of a hidden text's 4-grams given away",
                "fraction",
                False,
            ),
            "prompt_extracted": (
                "PromptExtracted",
                "completions with half of a hidden text",
                "fraction",
                False,
            ),
        },
    ),
    **entries(
        "privacy.confaide",
        "score",
        {"rating_correlation": ("RatingCorrelation", "Pearson's r with people's ratings", "other", True)},
    ),
    **entries(
        "privacy.confaide",
        "generate",
        {
            "omission_rate": ("OmissionRate", "completions without what should be told", "fraction", False),
            "disclosure_error": (
                "DisclosureError",
                "tells what is private or omits what is not",
                "fraction",
                False,
            ),
            "roster_error": ("RosterError", "wrong list of who knows", "fraction", False),
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
            "matched_prefix": (
                "MatchedPrefix",
                "share of the reference before the first difference",
                "fraction",
                False,
            ),
            "longest_copy": ("LongestCopy", "longest run of the reference's words", "fraction", False),
            "extraction_recall": (
                "ExtractionRecall",
                "references given back within a budget of errors",
                "fraction",
                False,
            ),
        },
    ),
    **entries(
        "privacy.extraction",
        "score",
        {"greedy_extracted": ("GreedyExtracted", "texts that greedy decoding would give", "fraction", False)},
    ),
    **entries(
        "privacy.exposure",
        "score",
        {
            "canary_exposure": ("CanaryExposure", "exposure of planted secrets, by rank", "bits", False),
            "canary_exposure_extrapolated": (
                "CanaryExposureExtrapolated",
                "exposure, by extrapolation",
                "bits",
                False,
            ),
            "canary_first": ("CanaryFirst", "planted secrets ranked first", "fraction", False),
        },
    ),
    **entries(
        "privacy.membership",
        "perplexity",
        {
            "membership_auroc": (
                "MembershipAuroc",
                "members told from others by likelihood",
                "fraction",
                False,
            ),
            "membership_tpr": ("MembershipTpr", "members found at 1 % false positives", "fraction", False),
            "membership_blind_auroc": (
                "MembershipBlind",
                "members told from others without the model",
                "fraction",
                None,
            ),
            "membership_gain": ("MembershipGain", "an attack's AUROC minus the blind one's", "other", False),
        },
    ),
}
