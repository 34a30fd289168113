"""WikiText: pages as they were before their words were split apart."""

from __future__ import annotations

import re

FUNCTIONS = ("detokenize_wikitext",)

_RULES: tuple[tuple[str, str], ...] = (
    # Order matters: each rule sees what the ones before it left.
    (r"s '", "s'"),
    (
        r"/' [0-9]/",
        "/'[0-9]/",
    ),  # never matches running text; kept, as the reference figures were made with it
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
    """A WikiText page as it was before its words were split apart.

    The rules are those with which word-level perplexities of WikiText are usually reported (Megatron-LM's,
    which lm-evaluation-harness follows); the count of words stays that of the page as it came.
    """
    for pattern, replacement in _RULES:
        text = re.sub(pattern, replacement, text)
    return text
