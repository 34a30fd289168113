"""A comparison as JSON; `docs/compare.md` describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lsm_eval.comparison.result import Comparison
from lsm_eval.json_text import json_text
from lsm_eval.results.names import shown_name
from lsm_eval.results.reader import Record
from lsm_eval.secrets import without_secrets

SCHEMA_VERSION = 1


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON; unknown values are null."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "baseline": record(comparison.baseline),
        "candidates": [record(one) for one in comparison.candidates],
        "rows": [asdict(row) for row in comparison.rows],
        "tested": comparison.tested,
        "alone": list(comparison.alone),
        "notes": list(comparison.notes),
        "flips": [asdict(flip.hidden() if flip.sensitive else flip) for flip in comparison.flips],
    }
    return json_text(content)


def record(found: Record) -> dict[str, Any]:
    """The model, run and folder of a record."""
    manifest = found.manifest
    return {
        "model": shown_name(manifest.model),
        "fingerprint": manifest.model.fingerprint,
        "run": manifest.run,
        "folder": without_secrets(str(found.folder)),
    }
