"""Flags of each sample (a few bits), by which its page is filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from lsm_eval.leaderboard.outcomes.outcome import NONE, RIGHT, WRONG, Field, SampleOutcomes

SLOW_SHARE = 0.05
"""Of the samples whose time is known, this share is called slow."""

LEAST_TIMED = 20
"""The fewest known times before any sample is called slow."""


class Flag(IntFlag):
    """All flags of a sample fit into one letter of the index (`letters`)."""

    WRONG = 1
    MISSING = 2
    TRUNCATED = 4
    DISAGREES = 8
    SLOW = 16


NAMES = {
    Flag.WRONG: "wrong",
    Flag.MISSING: "missing",
    Flag.TRUNCATED: "truncated",
    Flag.DISAGREES: "disagrees",
    Flag.SLOW: "slow",
}
"""As the address of a page has them."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"


@dataclass(frozen=True, slots=True)
class OtherOutcomes:
    """Outcomes of the board's other models for each sample of a table [n]."""

    right: NDArray[np.int64]
    answered: NDArray[np.int64]


def others(field: Field, model: str, ids: Sequence[str], asked: Sequence[str | None] = ()) -> OtherOutcomes:
    """Outcomes of all other models of the field for the samples `ids`. `asked`: the hash of what each sample asks, parallel to `ids`;
    models that were asked something else have no outcome for the sample."""
    places = {sample: at for at, sample in enumerate(field.ids)}
    at = np.array([places.get(sample, -1) for sample in ids], np.int64)
    if asked and field.asked:
        own = zip(at.tolist(), asked, strict=True)
        unlike = [place >= 0 and None not in (one, field.asked[place]) and one != field.asked[place] for place, one in own]  # fmt: skip
        at[unlike] = -1
    row = field.place(model)
    found = field.found if row is None else np.delete(field.found, row, axis=0)
    right, answered = (found == RIGHT).sum(axis=0), (found != NONE).sum(axis=0)
    if not len(right):
        return OtherOutcomes(np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64))
    known = at >= 0
    return OtherOutcomes(np.where(known, right[at], 0), np.where(known, answered[at], 0))


def flags(
    own: SampleOutcomes | None,
    among: OtherOutcomes | None,
    failed: Sequence[bool],
    truncated: Sequence[bool],
    seconds: Sequence[float | None],
) -> NDArray[np.int64]:
    """The flags of n samples. A sample disagrees if more than half of the other models have the other outcome. A missing
    sample is not wrong."""
    found = np.zeros(len(failed), np.int64)
    lost = np.asarray(failed, bool)
    found |= np.where(lost, Flag.MISSING, 0)
    found |= np.where(np.asarray(truncated, bool), Flag.TRUNCATED, 0)
    if own is not None:
        mine = np.where(lost, NONE, own.outcomes)
        found |= np.where(mine == WRONG, Flag.WRONG, 0)
        if among is not None:
            for_it, against = 2 * among.right > among.answered, 2 * among.right < among.answered
            unlike = ((mine == WRONG) & for_it) | ((mine == RIGHT) & against)
            found |= np.where(unlike, Flag.DISAGREES, 0)
    found |= np.where(_slow(seconds), Flag.SLOW, 0)
    return found


def letters(found: NDArray[np.int64]) -> str:
    """One letter per sample: the index of a page with 100,000 samples takes 100 kB."""
    return "".join(_LETTERS[flag] for flag in found.tolist())


def counts(found: NDArray[np.int64]) -> dict[str, int]:
    """How many samples have each flag, by its name."""
    return {name: int(((found & flag.value) != 0).sum()) for flag, name in NAMES.items()}


def _slow(seconds: Sequence[float | None]) -> NDArray[np.bool_]:
    times = np.array([np.nan if one is None else one for one in seconds], float)
    known = times[~np.isnan(times)]
    if len(known) < LEAST_TIMED:
        return np.zeros(len(times), bool)
    slow: NDArray[np.bool_] = np.nan_to_num(times, nan=-np.inf) > float(np.quantile(known, 1 - SLOW_SHARE))
    return slow
