"""TruthfulQA's table in its 2025 revision, which has one false answer per question for the binary setting."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError

_COLUMNS = {
    "question": "Question",
    "right": "Best Answer",
    "wrong": "Best Incorrect Answer",
    "category": "Category",
    "type": "Type",
}


def binary_rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Rows of `question`, `right`, `wrong`, `category` and `type` from TruthfulQA.csv. Raises `UserError` if the table
    lacks these columns (earlier revisions)."""
    (path,) = paths
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        lacking = [column for column in _COLUMNS.values() if column not in (rows.fieldnames or ())]
        if lacking:
            raise UserError(
                f"{path} has no column {lacking[0]!r}: take the revision of January 2025 or later."
            )
        return [{name: row[column].strip() for name, column in _COLUMNS.items()} for row in rows]
