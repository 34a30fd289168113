"""The options of an export, which are not in records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lsm_eval.results.redaction import Redact

Format = Literal["every-eval-ever", "hf-eval-results", "lm-eval", "csv", "openmetrics"]
Relationship = Literal["first_party", "third_party", "collaborative", "other"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of all formats; each format uses some of them."""

    redact: Redact = "none"
    """Which texts are withheld from sample files, besides those that the record withholds already."""
    model_id: str | None = None
    """The model's name on a hub, `ORGANISATION/NAME`; None: made from the record's own name."""
    organisation: str | None = None
    """The organisation that ran the evaluation."""
    relationship: Relationship = "other"
    """Its relationship to the model."""
    source_url: str | None = None
    """Where readers find more of the evaluation."""
    task_ids: Mapping[str, str] = field(default_factory=dict)
    """From a task's name to its id in the hub's benchmark."""
