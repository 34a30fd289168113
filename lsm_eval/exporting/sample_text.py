"""Texts of a sample for the fields of other tools' formats."""

from __future__ import annotations

import json
from typing import Any

_OWN_PLACE = frozenset(
    {"task", "sample", "prompt", "choices", "target", "completion", "thoughts", "metadata", "request"}
)


def texts_of(values: Any) -> list[str]:
    """The texts of a list, without nulls."""
    return [str(value) for value in values or () if value is not None]


def answer_of(sample: dict[str, Any]) -> tuple[str | None, str]:
    """The model's answer, and how it was obtained: a generated text, or the most likely continuation.

    None if there is no answer.
    """
    if sample["completion"] is not None:
        return sample["completion"], "none"
    logprobs, texts = sample["logprobs"], sample["continuations"]
    if not texts or not logprobs or len(logprobs) != len(texts) or None in logprobs:
        return None, "none"
    # If the same text occurs several times, the first is taken, as everywhere.
    return texts[
        max(range(len(texts)), key=lambda place: logprobs[place])
    ], "most likely (summed log-probability)"


def metadata_of(sample: dict[str, Any]) -> dict[str, str]:
    """All values of a sample that no other field of its row has, as texts, without nulls."""
    found: dict[str, str] = {}
    for name, value in sample.items():
        if name not in _OWN_PLACE and not name.startswith("score.") and value is not None:
            found[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    own = json.loads(sample["metadata"] or "{}")
    for name, value in own.items() if isinstance(own, dict) else ():
        key = name if name not in found else f"metadata.{name}"
        found[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
