"""HellaSwag: texts without the marks of their sources."""

from __future__ import annotations

import re
from collections.abc import Sequence

FUNCTIONS = ("hellaswag_clean", "hellaswag_endings")


def hellaswag_clean(text: str) -> str:
    """HellaSwag's text without the marks of its WikiHow part (`[title]`, `[step]`, …)."""
    without_marks = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return without_marks.replace("  ", " ")


def hellaswag_endings(endings: Sequence[str]) -> list[str]:
    """The endings of a context, each without those marks."""
    return [hellaswag_clean(ending) for ending in endings]
