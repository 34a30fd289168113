"""A comparison as JSON; `docs/compare.md` describes it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from lsm_eval.comparison.result import Comparison
from lsm_eval.results.reader import Record
from lsm_eval.well_formed import all_well_formed

SCHEMA_VERSION = 1


def to_json(comparison: Comparison) -> str:
    """The whole of it; what is not known is null."""
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
    return json.dumps(all_well_formed(finite(content)), indent=1, ensure_ascii=False, allow_nan=False)


def record(found: Record) -> dict[str, Any]:
    """Which record it is."""
    manifest = found.manifest
    return {
        "model": manifest.model.name,
        "fingerprint": manifest.model.fingerprint,
        "run": manifest.run,
        "folder": str(found.folder),
    }


def finite(thing: Any) -> Any:
    """The same with null for numbers that JSON does not have."""
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, dict):
        return {name: finite(part) for name, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [finite(part) for part in thing]
    return thing
