"""A run's own settings for generated texts, and how they are made from options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsm_eval.errors import UserError


@dataclass(frozen=True)
class Generation:
    """Options of `lsm-eval run` for generated texts; None keeps each task's own."""

    system: str | None = None
    """A system message, for tasks that have none."""
    temperature: float | None = None
    """Above 0 answers are sampled with the run's seed; a task with several answers keeps its first one greedy."""
    top_p: float | None = None
    stop: tuple[str, ...] | None = None
    """Stop strings, instead of the task's own."""

    @property
    def named(self) -> dict[str, Any]:
        """The options that are given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


def make_generation(
    system: str | None, temperature: float | None, top_p: float | None, stop: Sequence[str]
) -> Generation:
    """The settings for generated texts. Raises `UserError` for values that are not valid."""
    if temperature is not None and not 0 <= temperature <= 100:
        raise UserError(f"--temperature {temperature:g}: give 0 (the likeliest token each time) or more.")
    if top_p is not None and not 0 < top_p <= 1:
        raise UserError(f"--top-p {top_p:g}: give a number above 0 and at most 1.")
    if top_p is not None and not temperature:
        raise UserError(
            "--top-p says from which tokens answers are drawn: give --temperature above 0 with it."
        )
    if "" in stop:
        raise UserError("--stop is empty, which would end every answer before its first word: leave it out.")
    return Generation(
        None if system is None else _text(system),
        None if temperature is None else float(temperature),
        None if top_p is None else float(top_p),
        tuple(dict.fromkeys(stop)) or None,
    )


def _text(system: str) -> str:
    """The system message, read from a file if it begins with @."""
    text = system
    if system.startswith("@"):
        try:
            text = Path(system[1:]).expanduser().read_text(encoding="utf-8-sig")
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UserError(
                f"--system {system}: cannot be read ({why}); name a text file behind @."
            ) from error
        text = text.rstrip("\n")
    if not text.strip():
        raise UserError("--system is empty: give a text, or @FILE, or leave it out.")
    return text
