"""Other tools' names for our metrics, for the hint at an unknown name."""

from __future__ import annotations

_OURS = {
    "accuracy": ("acc",),
    "accuracy_norm": ("acc_norm",),
    "accuracy_normalized": ("acc_norm",),
    "em": ("exact_match",),
    "exact": ("exact_match",),
    "match": ("exact_match",),
    "string_match": ("exact_match",),
    "quasi_exact_match": ("exact_match",),
    "prefix_exact_match": ("exact_match", "contains"),
    "include": ("contains",),
    "includes": ("contains",),
    "choice": ("option_match",),
    "multiple_choice": ("option_match", "acc"),
    "f1_score": ("f1",),
    "token_f1": ("f1",),
    "f1_macro": ("macro_f1",),
    "perplexity": ("byte_perplexity", "word_perplexity", "token_perplexity"),
    "ppl": ("byte_perplexity", "word_perplexity", "token_perplexity"),
    "bpb": ("bits_per_byte",),
    "sacrebleu": ("bleu",),
    "rouge": ("rougeL", "rouge1", "rouge2"),
    "rouge_1": ("rouge1",),
    "rouge_2": ("rouge2",),
    "rouge_l": ("rougeL",),
    "rouge_lsum": ("rougeLsum",),
    "brier_score": ("brier",),
    "mc1": ("truthfulqa_mc1",),
    "mc2": ("truthfulqa_mc2",),
    "pass_at_k": ("pass@k",),
    "maj_at_k": ("maj@k",),
}
"""By name in lower case, with `_` for `-` and spaces."""


def ours(name: str) -> str | None:
    """Our metrics for another tool's name, in quotes; None if none is known."""
    found = _OURS.get(name.lower().replace("-", "_").replace(" ", "_"))
    if found is None:
        return None
    quoted = [repr(one) for one in found]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
