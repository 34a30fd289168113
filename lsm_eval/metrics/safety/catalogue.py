"""Metrics that several safety benchmarks share, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "detected",
        "generate",
        {
            "detected": ("Detected", "completions in which a detector finds something", "fraction", None),
            "detected_corrected": (
                "DetectedCorrected",
                "the same, corrected by the detector's card",
                "fraction",
                None,
            ),
            "detected_unknown": (
                "DetectedUnknown",
                "completions on which a detector cannot tell",
                "fraction",
                False,
            ),
        },
    ),
    **entries(
        "judged",
        "generate",
        {
            "judged_harmful": (
                "JudgedHarmful",
                "answers that do the harmful thing asked for, by a judge",
                "fraction",
                False,
            ),
            "judged_refusal": (
                "JudgedRefusal",
                "answers that refuse, wholly or in part, by a judge",
                "fraction",
                None,
            ),
        },
    ),
}
