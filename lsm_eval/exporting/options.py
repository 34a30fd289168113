"""What a user says about an export that no record knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lsm_eval.results.redaction import Redact

Format = Literal["every-eval-ever", "hf-eval-results", "lm-eval", "csv", "openmetrics"]
Relationship = Literal["first_party", "third_party", "collaborative", "other"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Of all formats; each reads what it has a place for."""

    redact: Redact = "none"
    """Which texts are withheld from sample files, besides those that the record withholds already."""
    model_id: str | None = None
    """The model as a hub calls it, `ORGANISATION/NAME`; None: made of the record's own name."""
    organisation: str | None = None
    """Who evaluated."""
    relationship: Relationship = "other"
    """Theirs to the model."""
    source_url: str | None = None
    """Where readers find more of the evaluation."""
    task_ids: Mapping[str, str] = field(default_factory=dict)
    """A task's name to what the hub's benchmark calls it."""
