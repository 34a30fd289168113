"""The metrics of `lsm_eval.metrics` and `lsm_eval.composed`, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "choice",
        "score",
        {
            "acc": ("Accuracy", "right choice has the highest log-probability", "fraction", True),
            "acc_norm": ("AccuracyNorm", "as acc, log-probability per character", "fraction", True),
            "acc_bytes": ("AccuracyBytes", "as acc, log-probability per byte", "fraction", True),
            "prefers_first": ("PrefersFirst", "first of two is likelier (fair: 0.5)", "fraction", None),
            "likelihood_difference": ("LikelihoodDifference", "mean |difference| of two", "nats", False),
        },
    ),
    **entries(
        "calibration",
        "score",
        {
            "ece": ("ece", "expected calibration error of the best choice", "fraction", False),
            "brier": ("Brier", "squared error of the choices' probabilities", "other", False),
        },
    ),
    **entries(
        "selective",
        "score",
        {
            "confidence_auroc": ("ConfidenceAuroc", "confidence tells right from wrong", "fraction", True),
            "aurc": ("Aurc", "area under the risk-coverage curve", "fraction", False),
        },
    ),
    **entries("bleu", "generate", {"bleu": ("Bleu", "corpus BLEU by sacrebleu", "points", True)}),
    **entries(
        "chrf",
        "generate",
        {
            "chrf": ("Chrf", "chrF by sacrebleu", "points", True),
            "chrf++": ("chrf_plus_plus", "chrF++ by sacrebleu", "points", True),
        },
    ),
    **entries("ter", "generate", {"ter": ("Ter", "translation edit rate by sacrebleu", "points", False)}),
    **entries(
        "summarisation",
        "generate",
        {
            "rouge1": ("rouge1", "ROUGE-1 F1 by rouge-score", "points", True),
            "rouge2": ("rouge2", "ROUGE-2 F1 by rouge-score", "points", True),
            "rougeL": ("rouge_l", "ROUGE-L F1 by rouge-score", "points", True),
            "rougeLsum": ("rouge_lsum", "ROUGE-Lsum F1 by rouge-score", "points", True),
        },
    ),
    **entries(
        "text",
        "generate",
        {
            "exact_match": ("ExactMatch", "completion equals a reference", "fraction", True),
            "contains": ("Contains", "a reference occurs in the completion", "fraction", True),
            "f1": ("TokenF1", "token F1 with the best reference", "fraction", True),
        },
    ),
    **entries(
        "read",
        "generate",
        {
            "option_match": ("OptionMatch", "the right option is chosen", "fraction", True),
            "option_unread": (
                "OptionUnread",
                "answers that choose none or several options",
                "fraction",
                False,
            ),
            "number_match": ("NumberMatch", "the answer's number equals a reference's", "fraction", True),
            "yes_no_match": ("YesNoMatch", "the answer says yes or no as the reference", "fraction", True),
        },
    ),
    **entries(
        "perplexity",
        "perplexity",
        {
            "word_perplexity": ("WordPerplexity", "perplexity per word", "perplexity", False),
            "byte_perplexity": ("BytePerplexity", "perplexity per UTF-8 byte", "perplexity", False),
            "bits_per_byte": ("BitsPerByte", "bits per UTF-8 byte", "bits", False),
            "token_perplexity": ("TokenPerplexity", "perplexity per token", "perplexity", False),
        },
    ),
    **entries(
        "classes",
        ("score", "generate"),
        {"macro_f1": ("MacroF1", "mean F1 of the classes", "fraction", True)},
        "composed",
    ),
    **entries(
        "sampled_answers",
        "generate",
        {
            "pass@k": ("pass_at_k", "one of k drawn answers is right", "fraction", True),
            "maj@k": ("maj_at_k", "the majority of k drawn answers is right", "fraction", True),
            "greedy": ("Greedy", "the greedy answer beside draws, by another metric", "fraction", True),
        },
        "composed",
    ),
    **entries(
        "draws_mean",
        "generate",
        {"draws_mean": ("draws_mean", "mean score of the drawn answers", "fraction", True)},
        "composed",
    ),
    **entries(
        "closed_book",
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
        "grounded",
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
    **entries(
        "leak_by_type",
        "generate",
        {
            "leak_rate": ("leak_rate", "completions that hold a whole secret", "fraction", False),
            "leak_partial": ("leak_partial", "completions that hold most of a secret", "fraction", False),
        },
    ),
    **entries(
        "extraction",
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
