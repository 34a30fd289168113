"""A comparison as JSON; `docs/compare.md` describes it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from typing import Any

import numpy as np

from lsm_eval.comparison.result import Comparison
from lsm_eval.results.reader import Record
from lsm_eval.secrets import without_secrets
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
    return json_text(content)


def json_text(content: Any) -> str:
    """`content` as JSON that any parser reads, also where it is printed: readable in every script, with what cannot be seen
    escaped, null for numbers that JSON does not have, and U+FFFD for halves of characters."""
    text = json.dumps(all_well_formed(finite(content)), indent=1, ensure_ascii=False, allow_nan=False)
    return _RISKY.sub(lambda found: "".join(_escaped(sign) for sign in found[0]), text)


_RISKY = re.compile(r"[^\n\x20-\x7e\u00a1-\u02ff\u3000-\u9fff\uac00-\ud7a3]+|##(?=\w*\[)")
"""What may be unseen, or begin a command to a CI machine that reads a log; JSON has such signs in strings only."""


def printed(text: str, encoding: str) -> str:
    """The same JSON for a stream of this encoding: where it cannot write all of it, in ASCII."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return re.sub(r"[^\x00-\x7f]", lambda found: _escape(found[0]), text)
    return text


def _escaped(sign: str) -> str:
    return sign if sign.isprintable() and sign != "#" else _escape(sign)


def _escape(sign: str) -> str:
    number = ord(sign)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def record(found: Record) -> dict[str, Any]:
    """Which record it is."""
    manifest = found.manifest
    return {
        "model": manifest.model.name,
        "fingerprint": manifest.model.fingerprint,
        "run": manifest.run,
        "folder": without_secrets(str(found.folder)),
    }


def finite(thing: Any) -> Any:
    """The same with null for numbers that JSON does not have, and plain numbers for those of NumPy."""
    if isinstance(thing, np.generic):
        thing = thing.item()
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, dict):
        return {name: finite(part) for name, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [finite(part) for part in thing]
    return thing
