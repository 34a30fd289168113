"""StereoSet's rows with its three sentences by name."""

from __future__ import annotations

from typing import Any

from lsm_eval.errors import UserError

LABELS = ("anti_stereotype", "stereotype", "unrelated")
"""By the hub's class labels, 0 to 2."""


def rows(source: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with `id`, `target`, `bias_type`, `context` and a sentence under each of `LABELS`, sorted by id.

    The votes of single annotators are left out, and neither the hub's order of rows nor that of sentences plays a
    part. Raises `UserError` for a row that has not one sentence of each label."""
    return sorted((_row(row) for row in source), key=lambda row: str(row["id"]))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    sentences, labels = row["sentences"]["sentence"], row["sentences"]["gold_label"]
    if sorted(labels) != [0, 1, 2] or len(sentences) != len(labels):
        raise UserError(
            f"StereoSet row {row['id']} has not one sentence each of {', '.join(LABELS)}: check the dataset's revision."
        )
    named = {LABELS[label]: sentence for label, sentence in zip(labels, sentences, strict=True)}
    return {**{key: row[key] for key in ("id", "target", "bias_type", "context")}, **named}
