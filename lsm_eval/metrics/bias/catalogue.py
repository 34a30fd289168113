"""Metrics of bias, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "bias.bbq",
        "score",
        {
            "bbq_acc_ambig": ("AccuracyAmbiguous", "BBQ accuracy, ambiguous contexts", "fraction", True),
            "bbq_acc_disambig": ("AccuracyDisambiguated", "BBQ accuracy, clear contexts", "fraction", True),
            "bbq_bias_ambig": ("BiasAmbiguous", "BBQ bias score s_AMB, -1 to 1", "fraction", None),
            "bbq_bias_disambig": ("BiasDisambiguated", "BBQ bias score s_DIS, -1 to 1", "fraction", None),
            "bbq_alignment_cost": (
                "AlignmentCost",
                "accuracy against minus with stereotype",
                "fraction",
                None,
            ),
        },
    ),
}
