"""How much a model is asked to think, as variables of its chat template."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lsm_eval.errors import UserError

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max", "on")
"""`on`: think, for models without degrees of effort."""
DEGREE = "reasoning_effort"
"""The variable of templates with degrees of effort (gpt-oss)."""
SWITCHES = ("enable_thinking", "thinking")
"""Variables of templates that switch thinking on and off (Qwen3, GLM 4.5, SmolLM3; DeepSeek V3.1, Granite)."""
_HARMONY = ("low", "medium", "high")
_LEAVE = "leave --reasoning-effort out"


def variables(effort: str, known: Collection[str], *, harmony: bool = False) -> dict[str, Any]:
    """The variables to give a chat template for an effort; `known`: the variables that it reads. `harmony`: it uses the
    format of gpt-oss, which has three degrees.

    Raises `UserError`, the rest of a sentence about the template, if it does not support the effort.
    """
    switch = next((name for name in SWITCHES if name in known), None)
    if DEGREE not in known and switch is None:
        raise UserError(f"has no variable that says how much to think: {_LEAVE}.")
    if harmony and effort not in _HARMONY:
        raise UserError(f"knows the efforts {', '.join(_HARMONY)}, and not {effort}: use one of them.")
    if effort in ("none", "on"):
        if switch is not None:
            return {switch: effort == "on"}
        if effort == "none":
            return {DEGREE: effort}
        raise UserError("takes a degree of effort, and on is none: use low, medium or high.")
    if DEGREE not in known:
        raise UserError(
            f"knows only whether to think ({switch}), and not how much: use --reasoning-effort none or on."
        )
    return {DEGREE: effort} if switch is None else {DEGREE: effort, switch: True}
