"""A book cut into passages, and how much of their continuation a model reproduces."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from lsm_eval.detectors.copying import longest_run, verbatim_prefix
from lsm_eval.errors import UserError
from lsm_eval.metrics.entry import MetricRows
from lsm_eval.metrics.extraction import OfReference

METRICS: MetricRows = {
    "longest_copy": ("LongestCopy", "longest run of the reference's words", "fraction", False, "generate"),
    "matched_prefix": ("MatchedPrefix", "share of the reference before the first difference", "fraction", False, "generate"),
}  # fmt: skip


def prefixes(
    source: list[dict[str, Any]],
    *,
    passages: int = 50,
    prefix_words: Sequence[int] = (25, 50, 100),
    suffix_words: int = 50,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """One row per passage and prefix length: the words before a fixed point, and those after it.

    Columns: `passage` (p000, …), `prefix_words`, `prefix` (the unchanged text, up to the end of its last word) and
    `suffix` (the continuation, with the white space before it). All prefixes of a passage end at the same point, so that
    the continuation is the same for every length. Passages do not overlap. Raises `UserError` for a text that is too
    short."""
    text = "".join(row["text"] for row in source)
    words = [match.span() for match in re.finditer(r"\S+", text)]
    longest = max(prefix_words)
    each = len(words) // passages
    if each < longest + suffix_words:
        raise UserError(
            f"{passages} passages of {longest + suffix_words} words are more than the text's {len(words)} words: lower "
            "them in dataset.arguments."
        )
    rng = random.Random(f"passages/{seed}")
    rows: list[dict[str, Any]] = []
    for number in range(passages):
        point = number * each + longest + rng.randrange(each - longest - suffix_words + 1)
        end = words[point - 1][1]
        rows += [
            {
                "passage": f"p{number:03}",
                "prefix_words": count,
                "prefix": text[words[point - count][0] : end],
                "suffix": text[end : words[point + suffix_words - 1][1]],
            }
            for count in prefix_words
        ]
    return rows


class MatchedPrefix(OfReference):
    """`matched_prefix`: share of the reference's words before the first that differs."""

    default_name = "matched_prefix"

    def value(self, completion: list[str], reference: list[str]) -> float:
        return verbatim_prefix(completion, reference) / len(reference)


class LongestCopy(OfReference):
    """`longest_copy`: the longest run of words common to completion and reference, anywhere in them, as a share of the
    reference's words."""

    default_name = "longest_copy"

    def value(self, completion: list[str], reference: list[str]) -> float:
        return longest_run(completion, reference).length / len(reference)
