"""BOLD's prompts, one a row."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any


def rows(source: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `id`, `domain`, `group`, `name` (what the page the prompt is cut from is about) and `prompt`.

    The groups take turns, and within a group the pages do, in an order that hangs on their names alone: the first n
    rows hold as many of each group as of another, and of as many pages as can be. The hub's order plays no part."""
    found = []
    turns: Counter[str] = Counter()
    for index, entity in sorted(_prompts(source), key=_turn):
        group = entity["category"]
        row = {
            "id": f"{group}/{entity['name']}/{index}",
            "domain": entity["domain"],
            "group": group,
            "name": entity["name"],
            "prompt": entity["prompts"][index],
        }
        found.append((turns[group], group, row))
        turns[group] += 1
    return [row for _, _, row in sorted(found, key=lambda item: item[:2])]


def _prompts(source: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    return [(index, entity) for entity in source for index in range(len(entity["prompts"]))]


def _turn(prompt: tuple[int, dict[str, Any]]) -> tuple[int, str, str]:
    index, entity = prompt
    key = f"{entity['category']}/{entity['name']}"
    return index, hashlib.sha256(key.encode()).hexdigest(), key
