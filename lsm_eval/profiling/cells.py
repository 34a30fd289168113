"""Names of a profile's cells, and signatures of their numbers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from lsm_eval.results.profile_rows import CellRow, MeasuredRow, ProfileRow

TASK = "profile_"
"""Prefix to a cell's name for the task that its numbers are estimates of."""
_LONGEST = 80
_SHORT = {
    "batch": "b", "prompt_tokens": "p", "output_tokens": "o", "concurrency": "c", "rate": "r", "shared_tokens": "s",
    "burstiness": "g",
}  # fmt: skip
"""Abbreviations of conditions in the names of cells."""


def cell_name(conditions: Mapping[str, Any]) -> str:
    """A name of small letters, digits, `_`, `.` and `-` from the conditions in their order: `decode_b8_p128_o64`, `open_poisson_r2.5_p512_o128`.
    Conditions that are None are left out; in a name of more than 80 characters a hash replaces the end."""
    parts = []
    for key, value in conditions.items():
        if value is None:
            continue
        text = f"{value:g}" if isinstance(value, float) else str(value)
        short = key not in ("phase", "loop", "arrivals")
        parts.append(f"{_SHORT.get(key, key) if short else ''}{text}")
    name = re.sub(r"[^a-z0-9_.-]+", "-", "_".join(parts).lower()).strip("_.-") or "cell"
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9].rstrip('_.-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def task_of(cell: CellRow) -> str:
    """The task that a cell's numbers are estimates of."""
    return f"{TASK}{cell.name}"


def workload_hash(what: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over everything that determines a workload's prompts."""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()


def unranked_why(profile: ProfileRow, cell: CellRow, metric: MeasuredRow | None = None) -> list[str]:
    """Why numbers are excluded from rankings, one word for each reason; empty if they are ranked."""
    found = []
    if cell.check is not None and cell.check.client_bound:
        found.append("client_bound")
    if profile.stopped is not None:
        found.append("stopped")
    if metric is not None and not metric.enough:
        found.append("too_few")
    return found


def signature(
    profile: ProfileRow, cell: CellRow, metric: MeasuredRow, *, fingerprint: str, imported: str | None = None
) -> str:
    """The signature of a profile's number. Two numbers are comparable if their signatures agree up to `model:` and neither has `unranked:`.

    It contains the version of the measurement method (`ProfileRow.version`), not that of lsm-eval. `imported` is another tool with
    its version."""
    parts = [
        f"{task_of(cell)}:v{profile.version}",
        f"data:{profile.workload.sha256[:16]}",
        "n:?",
        "shots:?",
        "chat:?",
    ]
    parts += [f"{key}:{_text(value)}" for key, value in cell.conditions.items() if value is not None]
    parts.append(f"cache:{profile.cache}")
    for name, seconds in sorted((profile.objective or {}).items()):
        if metric.metric.startswith(("goodput", "attainment")):
            parts.append(f"objective_{name}:{seconds:g}")
    parts.append(f"machine:{profile.machine}")
    if unranked := unranked_why(profile, cell, metric):
        parts.append(f"unranked:{'+'.join(unranked)}")
    if imported is not None:
        parts.append(f"imported:{imported}")
    parts += [f"metric:{metric_signature(profile, metric)}", f"model:{fingerprint[:16]}"]
    return " ".join(re.sub(r"\s+", "_", part) for part in parts)


def metric_signature(profile: ProfileRow, metric: MeasuredRow) -> str:
    """A metric with the set of definitions that it follows."""
    return f"{metric.metric}|{profile.formulas}"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
