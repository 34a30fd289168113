"""Finds the samples of a task that most models get wrong, and those on which models disagree most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsm_eval.leaderboard.outcomes.outcome import Field

LEAST = 2
"""The fewest models that must have an outcome for a sample before it is called hard or disputed."""


@dataclass(frozen=True, slots=True)
class Difficulty:
    """One sample."""

    sample: str
    at: int
    """Its column in the field."""
    right: int
    """Models that got it right."""
    answered: int
    """Models that have an outcome for it."""
    models: tuple[int, ...]
    """Rows of the field that have an outcome for it, those that got it wrong first."""


def hardest(field: Field, most: int) -> list[Difficulty]:
    """At most `most` samples that fewer than half of the models got right, the hardest first: by smallest share of right outcomes, then
    by most models, then in the order of the task."""
    right, answered = field.right, field.answered
    share = right / np.maximum(answered, 1)
    kept = np.flatnonzero((answered >= LEAST) & (share < 0.5))
    order = sorted(kept.tolist(), key=lambda at: (share[at], -answered[at], at))
    return [_made(field, at) for at in order[:most]]


def disputed(field: Field, most: int) -> list[Difficulty]:
    """At most `most` samples on which the models disagree, the most evenly divided first, then those with most models."""
    right, answered = field.right, field.answered
    minority = np.minimum(right, answered - right)
    share = minority / np.maximum(answered, 1)
    kept = np.flatnonzero(minority > 0)
    order = sorted(kept.tolist(), key=lambda at: (-share[at], -answered[at], at))
    return [_made(field, at) for at in order[:most]]


def _made(field: Field, at: int) -> Difficulty:
    column = field.found[:, at]
    models = [*np.flatnonzero(column == 0).tolist(), *np.flatnonzero(column == 1).tolist()]
    return Difficulty(field.ids[at], at, int(field.right[at]), int(field.answered[at]), tuple(models))
