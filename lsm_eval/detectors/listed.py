"""What detectors there are and what their cards say, without loading a detector or any statistics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lsm_eval.detectors import registry

FOLDER = Path(__file__).parent / "cards"
_RATES = {"sensitivity": ("true_positives", "positives"), "specificity": ("true_negatives", "negatives")}


def listed_detectors() -> list[dict[str, Any]]:
    """A row for each card of each detector, by name, the card over all kinds first; and one for a detector without a card."""
    cards: dict[str, list[dict[str, Any]]] = {}
    for path in FOLDER.glob("*.json"):
        card = json.loads(path.read_text(encoding="utf-8"))
        cards.setdefault(card["detector"], []).append(card)
    return [
        {
            "detector": name,
            "finds": entry.description,
            "version": registry.version(name),
            **_measured(card),
        }
        for name, entry in registry.describe().items()
        for card in sorted(cards.get(name, [{}]), key=lambda one: one.get("kind") or "")
    ]


def _measured(card: dict[str, Any]) -> dict[str, Any]:
    """What a card says; of an empty one, that there is none."""
    row: dict[str, Any] = {"kind": card.get("kind"), "measured_version": card.get("version")}
    for rate, (right, all_of_them) in _RATES.items():
        number = card.get(all_of_them, 0)
        row[rate] = card[right] / number if number else None
        row[f"{rate}_interval"] = card.get("intervals", {}).get(rate)
    counts = {name: card.get(name, 0) for name in ("positives", "negatives", "cannot_tell")}
    return {**row, **counts, "data": card.get("data", "no card")}
