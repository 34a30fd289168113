"""Metrics of hallucination that several benchmarks share, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "hallucination.closed_book",
        "generate",
        {
            "qa_correct": ("Correct", "answered right", "fraction", True),
            "qa_abstained": ("Abstained", "says it does not know", "fraction", None),
            "qa_wrong": ("Wrong", "answered wrongly", "fraction", False),
            "qa_unclear": ("Unclear", "neither right nor readable", "fraction", False),
            "qa_correct_attempted": ("CorrectOfAttempted", "right among answered", "fraction", True),
            "qa_score": ("Penalised", "right minus penalised wrong", "other", True),
        },
    ),
    **entries(
        "hallucination.grounded",
        "generate",
        {
            "grounded_precision": ("GroundedPrecision", "words shared with the source", "fraction", True),
            "extractive_density": (
                "ExtractiveDensity",
                "length of runs copied from the source",
                "other",
                None,
            ),
            "ungrounded_rate": (
                "UngroundedRate",
                "sentences with words not in the source",
                "fraction",
                False,
            ),
            "ungrounded_corrected": ("UngroundedCorrected", "the same, after its card", "fraction", False),
            "ungrounded_unknown": ("UngroundedUnknown", "no sentence to judge", "fraction", False),
        },
    ),
}
