"""Passages of two texts; a model may have been trained on the first."""

from __future__ import annotations

import random
import re
from typing import Any

from lsm_eval.errors import UserError


def members(
    source: list[dict[str, Any]], *, each: int = 100, words: int = 60, together: int = 10, seed: int = 1
) -> list[dict[str, Any]]:
    """Passages of the first row's text as members, and as many of the second's as non-members.

    Columns: `region` (`together` neighbouring passages), `text` and `member` (true or false). Regions are drawn from
    all over each text. Raises `UserError` if a text is too short."""
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
    # Region by region from both, so that even the first rows have both members and non-members.
    return [row for regions in zip(*sides, strict=True) for region in regions for row in region]
