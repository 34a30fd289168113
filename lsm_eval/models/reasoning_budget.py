"""Whether a local model can keep to a budget of thoughts (`base.Budgeting`)."""

from __future__ import annotations

from lsm_eval.errors import UserError
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.family import Family
from lsm_eval.requests import Generate


def no_budget(request: Generate, family: Family, encoder: Encoder) -> str | None:
    """Why it cannot keep to those of a request, as the rest of a sentence; None if it can."""
    if request.reasoning_tokens is not None and family != "decoder":
        return "is no decoder-only model, and its thoughts cannot be closed: leave --reasoning-tokens out."
    if request.reasoning_effort is None:
        return None
    if not request.chat:
        return (
            "takes the effort through its chat template, which is not used here: use --chat on, or leave --reasoning-effort "
            "out."
        )
    try:
        encoder.template.effort(request.reasoning_effort)
    except UserError as error:
        return f"does not support this effort: {error}"
    return None
