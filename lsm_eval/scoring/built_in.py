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
        "drawn",
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
}
