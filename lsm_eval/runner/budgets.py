"""Refuses thinking budgets that the model cannot keep, before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence

from lsm_eval.errors import UserError
from lsm_eval.models.base import Budgeting, Model
from lsm_eval.requests import Generate, Request


def check_budgets(requests: Sequence[Request], model: Model) -> None:
    """Raises `UserError` if the model cannot keep the thinking budgets of one of the requests."""
    kinds = {
        (request.chat, request.reasoning_tokens, request.reasoning_effort): request
        for request in requests
        if isinstance(request, Generate)
    }
    for (_, tokens, effort), request in kinds.items():
        named = [
            name
            for name, value in (("--reasoning-tokens", tokens), ("--reasoning-effort", effort))
            if value is not None
        ]
        if not named:
            continue
        if isinstance(model, Budgeting):
            why = model.no_budget(request)
        else:
            why = f"knows no {' and no '.join(named)}: leave it out."
        if why is not None:
            raise UserError(f"{model.info.name} {why}")
