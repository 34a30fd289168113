"""BOLD's prompts, one per row."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any


def rows(source: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `id`, `domain`, `group`, `name` (the subject of the prompt's source page) and `prompt`.

    The groups alternate, and within a group the pages, in an order that depends only on their names: the first n
    rows have equally many of each group, from as many pages as possible. The hub's order has no effect."""
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
