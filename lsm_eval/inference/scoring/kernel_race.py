"""Measures which of two correct scorers is faster on this device, with the run's own rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from lsm_eval.inference.scoring.plain import TokenRow
from lsm_eval.inference.scoring.self_check import Scorer

_PASSES = 4  # that each scorer is timed on
_WORTH = 40  # passes that a run must have for each timed one, so that the race pays


def worth_a_race(rows: Mapping[int, Sequence[TokenRow]], budget: int) -> bool:
    """Whether a run is so long that finding the faster scorer costs it little."""
    return sum(len(row.tokens) for own in rows.values() for row in own) > _PASSES * _WORTH * budget


def quickest(scorers: Mapping[str, Scorer], rows: Mapping[int, Sequence[TokenRow]], budget: int) -> str:
    """The name of the scorer that takes the least time on some of `rows`, once warm."""
    some: dict[int, Sequence[TokenRow]] = {}
    tokens = 0
    for request, own in rows.items():
        some[request] = own
        tokens += sum(len(row.tokens) for row in own)
        if tokens > _PASSES * budget:
            break
    seconds = {}
    for name, scorer in scorers.items():
        for _ in range(2):  # the first run compiles and warms up
            start = time.perf_counter()
            for _batch in scorer.scores(some, budget, ()):
                pass
            seconds[name] = time.perf_counter() - start
    return min(seconds, key=lambda name: seconds[name])
