"""Books that come as one row, cut into passages."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from lsm_eval.errors import UserError


def prefixes(
    source: list[dict[str, Any]],
    *,
    passages: int = 50,
    prefix_words: Sequence[int] = (25, 50, 100),
    suffix_words: int = 50,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """For each passage a row a prefix length: the words before a fixed point, and those that come after it.

    Columns: `passage` (p000, …), `prefix_words`, `prefix` (the text as it stands, up to the end of its last word) and
    `suffix` (what comes next, with the white space before it). All prefixes of a passage end at one point, so that
    what is to be continued is the same whatever the length. Passages do not overlap. Raises `UserError` for a text
    that is too short."""
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


def members(
    source: list[dict[str, Any]], *, each: int = 100, words: int = 60, together: int = 10, seed: int = 1
) -> list[dict[str, Any]]:
    """Passages of the first row's text as members, and as many of the second's as non-members.

    Columns: `region` (so many neighbouring passages as `together` says), `text` and `member` (true or false). Regions
    are drawn from all over each text. Raises `UserError` where a text is too short."""
    if len(source) != 2:
        raise UserError(
            f"two splits are needed, the members' and the others', and there are {len(source)} rows."
        )
    sides: list[list[list[dict[str, Any]]]] = []
    for member, row in zip((True, False), source, strict=True):
        text = row["text"]
        spans = [match.span() for match in re.finditer(r"\S+", text)]
        size, count = together * words, -(-each // together)
        if len(spans) < count * size:
            raise UserError(
                f"{each} passages of {words} words are more than a text's {len(spans)} words: lower them in "
                "dataset.arguments."
            )
        rng = random.Random(f"members/{seed}/{member}")
        starts = sorted(rng.sample(range(len(spans) // size), count))
        made = [
            {
                "region": f"{'member' if member else 'other'}-{start:03}",
                "text": text[spans[first][0] : spans[first + words - 1][1]],
                "member": member,
            }
            for start in starts
            for first in range(start * size, (start + 1) * size, words)
        ][:each]
        sides.append([made[first : first + together] for first in range(0, each, together)])
    # Region by region from both, so that the first rows alone have members and others.
    return [row for regions in zip(*sides, strict=True) for region in regions for row in region]
