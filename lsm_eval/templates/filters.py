"""Text filters of templates: plain functions of a string."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lsm_eval.templates import bounds

_WIKITEXT_RULES: tuple[tuple[str, str], ...] = (
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
    for pattern, replacement in _WIKITEXT_RULES:
        text = re.sub(pattern, replacement, text)
    return text


def hellaswag_clean(text: str) -> str:
    """HellaSwag's text without the marks that its WikiHow part carries (`[title]`, `[step]`, …)."""
    without_marks = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return without_marks.replace("  ", " ")


def regex_replace(text: str, pattern: str, replacement: str) -> str:
    """`text` with every match of `pattern` replaced, as `re.sub` does."""
    return str(_within_time("sub", pattern, replacement, text))


def regex_search(text: str, pattern: str, group: int | str = 0) -> str:
    """The first match of `pattern` in `text`, or one of its groups; empty where there is none."""
    found = _within_time("search", pattern, text)
    return (found.group(group) or "") if found else ""


def _within_time(method: str, pattern: str, *texts: str) -> Any:
    """What `re`'s function of that name gives. Raises `bounds.TooMuch` for a pattern such as `(a+)+$`, which may take
    longer than anybody lives, where the package `regex` is there (transformers needs it), which can be stopped."""
    try:
        import regex
    except ImportError:
        return getattr(re, method)(pattern, *texts)
    re.compile(pattern)  # `regex` takes more than `re` does, and task files are written for `re`
    try:
        return getattr(regex, method)(pattern, *texts, timeout=bounds.SECONDS)
    except TimeoutError as error:
        raise bounds.TooMuch(
            f"the regular expression {pattern[:60]!r} takes longer than {bounds.SECONDS:.0f} s"
        ) from error


FILTERS: Mapping[str, Callable[..., Any]] = {
    "detokenize_wikitext": detokenize_wikitext,
    "hellaswag_clean": hellaswag_clean,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
}
"""Filters by the name under which templates use them."""
