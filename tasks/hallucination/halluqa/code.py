"""HalluQA's multiple-choice questions, with the categories from its other file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

LETTERS = "ABCDE"
_LETTER = re.compile(r"\s([A-E]):")
_NO_PATTERN = "人为误导"
"""Replaces the pattern in all questions of the category Misleading-hard, which share none."""


def rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Rows of `question_id`, `question`, `options` (without letters), `right` (index of the right one), `category`
    and `pattern` (shared by the questions made after one pattern; null if there is none), from HalluQA_mc.json and
    HalluQA.json. Raises `UserError` for an item in another form."""
    questions, answers = (json.loads(path.read_text(encoding="utf-8-sig")) for path in paths)
    about = {row["question_id"]: row for row in answers}
    return [_row(row, about[row["question_id"]], paths[0]) for row in questions]


def _row(row: dict[str, Any], about: dict[str, Any], path: Path) -> dict[str, Any]:
    # The stem ends at the first letter, an option at the next one.
    parts = _LETTER.split(row["question"])
    stem, letters, options = parts[0], parts[1::2], [option.strip() for option in parts[2::2]]
    pattern = about.get("Question Pattern")
    right = row["answer"].removeprefix("Answer:").strip()
    if (
        not stem.startswith("Question:")
        or "".join(letters) != LETTERS[: len(letters)]
        or right not in letters
        or not all(options)
    ):
        raise UserError(f"{path} has the item {row['question_id']} in another form: take the pinned version.")
    return {
        "question_id": str(row["question_id"]),
        "question": stem.removeprefix("Question:").strip(),
        "options": options,
        "right": letters.index(right),
        "category": about["Category"],
        "pattern": None if pattern == _NO_PATTERN else pattern,
    }
