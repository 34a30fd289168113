"""WikiText: pages as they were before tokenization."""

from __future__ import annotations

import re

FUNCTIONS = ("detokenize_wikitext",)

_RULES: tuple[tuple[str, str], ...] = (
    # Order matters: each rule sees the result of the ones before it.
    (r"s '", "s'"),
    (
        r"/' [0-9]/",
        "/'[0-9]/",
    ),  # never matches running text; kept because the reference figures were made with it
    (r" @-@ ", "-"),
    (r" @,@ ", ","),
    (r" @\.@ ", "."),
    *((rf" {re.escape(mark)} ", f"{mark} ") for mark in ":;.!?,"),
    *(
        (rf"{re.escape(left)}\s*([^{re.escape(right)}]*?)\s*{re.escape(right)}", rf"{left}\1{right}")
        for left, right in ("()", "[]", "{}", '""', "''")
    ),
    *((" ".join("=" * n), "=" * n) for n in (4, 3, 2)),
    (r" ° ", "°"),
    (r" \n", "\n"),
    (r"\n ", "\n"),
    (r" N ", " 1 "),
    (r" 's", "'s"),
)


def detokenize_wikitext(text: str) -> str:
    """A WikiText page as it was before tokenization.

    The rules are those usually used for word-level perplexities of WikiText (Megatron-LM's, which
    lm-evaluation-harness follows); words are still counted in the page as given.
    """
    for pattern, replacement in _RULES:
        text = re.sub(pattern, replacement, text)
    return text
