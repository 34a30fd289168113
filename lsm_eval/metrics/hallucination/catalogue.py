"""Metrics of hallucination, by name."""

from __future__ import annotations

from lsm_eval.metrics.entry import Entry, entries

ENTRIES: dict[str, Entry] = {
    **entries(
        "hallucination.truthfulqa_binary",
        "score",
        {
            "orders_acc": ("OrdersAccuracy", "right text chosen, mean over orders", "fraction", True),
            "orders_all_right": ("OrdersAllRight", "right text chosen in every order", "fraction", True),
            "orders_consistency": ("OrdersConsistency", "same text in every order", "fraction", True),
            "orders_first": ("OrdersFirst", "first letter chosen (fair: 1/k)", "fraction", None),
        },
    ),
    **entries(
        "hallucination.truthfulqa_generated",
        "generate",
        {
            "truthfulqa_bleu_max": ("bleu_max", "BLEU with the nearest true answer", "points", True),
            "truthfulqa_bleu_diff": ("bleu_diff", "BLEU, nearest true - nearest false", "other", True),
            "truthfulqa_bleu_acc": ("bleu_acc", "nearer to a true answer by BLEU", "fraction", True),
            "truthfulqa_rouge1_max": ("rouge1_max", "ROUGE-1 with the nearest true answer", "points", True),
            "truthfulqa_rouge1_diff": ("rouge1_diff", "ROUGE-1, true - false", "other", True),
            "truthfulqa_rouge1_acc": ("rouge1_acc", "nearer to a true one by ROUGE-1", "fraction", True),
            "truthfulqa_rouge2_max": ("rouge2_max", "ROUGE-2 with the nearest true answer", "points", True),
            "truthfulqa_rouge2_diff": ("rouge2_diff", "ROUGE-2, true - false", "other", True),
            "truthfulqa_rouge2_acc": ("rouge2_acc", "nearer to a true one by ROUGE-2", "fraction", True),
            "truthfulqa_rougeL_max": ("rouge_l_max", "ROUGE-L with the nearest true answer", "points", True),
            "truthfulqa_rougeL_diff": ("rouge_l_diff", "ROUGE-L, true - false", "other", True),
            "truthfulqa_rougeL_acc": ("rouge_l_acc", "nearer to a true one by ROUGE-L", "fraction", True),
        },
    ),
    **entries(
        "hallucination.halueval",
        "score",
        {
            "halueval_acc": ("HaluEvalAccuracy", "right judgements", "fraction", True),
            "halueval_auroc": ("HaluEvalAuroc", "P(yes) tells hallucinated from right", "fraction", True),
            "halueval_paired": ("HaluEvalPaired", "hallucinated answer is more suspect", "fraction", True),
            "halueval_precision": (
                "HaluEvalPrecision",
                "hallucinated among those with yes",
                "fraction",
                True,
            ),
            "halueval_recall": ("HaluEvalRecall", "yes among hallucinated answers", "fraction", True),
            "halueval_yes": ("HaluEvalYes", "yes among all answers (fair: 0.5)", "fraction", None),
        },
    ),
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
    **entries(
        "hallucination.grounded_judgement",
        "score",
        {"yes_auroc": ("YesAuroc", "likelihood of yes tells yes from no", "fraction", True)},
    ),
    **entries(
        "hallucination.self_consistency",
        "generate",
        {
            "selfcheck_avg": ("SelfCheckAverage", "surprise at the answer's words, by draws", "nats", False),
            "selfcheck_max": ("SelfCheckMaximum", "surprise at its least likely word", "nats", False),
        },
    ),
    **entries(
        "hallucination.semantic_entropy",
        "generate",
        {
            "semantic_entropy": ("SemanticEntropy", "entropy of the draws' meanings", "nats", False),
            "self_disagreement": ("SelfDisagreement", "draws unlike the greedy answer", "fraction", False),
        },
    ),
    **entries(
        "hallucination.self_consistency_value",
        "generate",
        {
            "greedy_correct": ("GreedyCorrect", "greedy answer right", "fraction", True),
            "greedy_wrong": ("GreedyWrong", "greedy answer wrong", "fraction", False),
            "wrong_auroc": ("WrongAuroc", "a measure of draws tells wrong from right", "fraction", True),
        },
    ),
    **entries(
        "hallucination.citations",
        "generate",
        {
            "citation_recall": ("CitationRecall", "sentences borne out by what they cite", "fraction", True),
            "citation_precision": ("CitationPrecision", "citations that bear out", "fraction", True),
            "citation_invalid": ("CitationInvalid", "citations of passages not given", "fraction", False),
            "citation_missing": ("CitationMissing", "sentences that cite nothing", "fraction", False),
            "citation_right": ("CitationRight", "cites the right passage and no other", "fraction", True),
        },
    ),
}
