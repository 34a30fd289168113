"""Labelled texts written for this package (`labelled/`), for slices of cards that no public data set covers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "labelled"
LICENCE = "CC0-1.0"


def rows(name: str, part: str | None = None) -> list[dict[str, Any]]:
    """The rows of `labelled/<name>.jsonl`: of one part (`development`, `held out`) or all."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    found: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [row for row in found if part is None or row["part"] == part]


def sha256(name: str) -> str:
    """SHA-256 of the file."""
    return hashlib.sha256((FOLDER / f"{name}.jsonl").read_bytes()).hexdigest()
