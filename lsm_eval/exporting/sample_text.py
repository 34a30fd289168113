"""A sample of ours in words that other tools have a place for."""

from __future__ import annotations

import json
from typing import Any

_OWN_PLACE = frozenset(
    {"task", "sample", "prompt", "choices", "target", "completion", "thoughts", "metadata", "request"}
)


def texts_of(values: Any) -> list[str]:
    """A column of texts, without what is null."""
    return [str(value) for value in values or () if value is not None]


def answer_of(sample: dict[str, Any]) -> tuple[str | None, str]:
    """What the model answered, and how that is known: a text that it wrote, or the continuation that it finds most likely.

    None where there is no answer.
    """
    if sample["completion"] is not None:
        return sample["completion"], "none"
    logprobs, texts = sample["logprobs"], sample["continuations"]
    if not texts or not logprobs or len(logprobs) != len(texts) or None in logprobs:
        return None, "none"
    # The same text several times over: the first of them, as everywhere.
    return texts[
        max(range(len(texts)), key=lambda place: logprobs[place])
    ], "most likely (summed log-probability)"


def metadata_of(sample: dict[str, Any]) -> dict[str, str]:
    """All that a sample has and no other field of its row shows, as texts; what is null is left out."""
    found: dict[str, str] = {}
    for name, value in sample.items():
        if name not in _OWN_PLACE and not name.startswith("score.") and value is not None:
            found[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    own = json.loads(sample["metadata"] or "{}")
    for name, value in own.items() if isinstance(own, dict) else ():
        key = name if name not in found else f"metadata.{name}"
        found[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
