"""A few bits a sample, by which its page is filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from lsm_eval.leaderboard.outcomes.outcome import NONE, RIGHT, WRONG, Answered, Field

SLOW_SHARE = 0.05
"""Of the samples whose time is known, the slowest of them are called slow."""

LEAST_TIMED = 20
"""Times that are needed before some of them are called slow."""


class Flag(IntFlag):
    """One letter of the index holds them all (`letters`)."""

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
class Others:
    """What the other models of the board made of each sample of a table [n]."""

    right: NDArray[np.int64]
    answered: NDArray[np.int64]


def others(field: Field, model: str, ids: Sequence[str], asked: Sequence[str | None] = ()) -> Others:
    """Outcomes of all models of the field but this one, of the samples named. `asked`: what each asked, as long as `ids`; the others have
    none of a sample that asked another thing than theirs."""
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
        return Others(np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64))
    known = at >= 0
    return Others(np.where(known, right[at], 0), np.where(known, answered[at], 0))


def flags(
    own: Answered | None,
    among: Others | None,
    failed: Sequence[bool],
    truncated: Sequence[bool],
    seconds: Sequence[float | None],
) -> NDArray[np.int64]:
    """The flags of n samples. A sample disagrees where most of the others (more than half) have the other outcome. A missing
    one is not wrong."""
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
    """A letter a sample: what a page of 100,000 samples is filtered by, in 100 kB."""
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
