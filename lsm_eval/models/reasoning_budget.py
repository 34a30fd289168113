"""Whether a model of our own can keep to a budget of thoughts (`base.Budgeting`)."""

from __future__ import annotations

from lsm_eval.errors import UserError
from lsm_eval.models.encoding import Encoder
from lsm_eval.models.family import Family
from lsm_eval.requests import Generate


def no_budget(request: Generate, family: Family, encoder: Encoder) -> str | None:
    """Why it cannot keep to those of a request, in the rest of a sentence; None where it can."""
    if request.reasoning_tokens is not None and family != "decoder":
        return "is no decoder-only model, and its thoughts cannot be closed: leave --reasoning-tokens out."
    if request.reasoning_effort is None:
        return None
    if not request.chat:
        return (
            "is told by its chat template how much to think, and here it is asked without one: use --chat on, or leave "
            "--reasoning-effort out."
        )
    try:
        encoder.template.effort(request.reasoning_effort)
    except UserError as error:
        return f"cannot be told so: {error}"
    return None
