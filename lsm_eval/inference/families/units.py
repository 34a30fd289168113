"""Units of work that several requests share: how they are batched, and which requests they complete."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from lsm_eval.inference.batching import batches

ROUNDING = {"float32": 1e-3, "bfloat16": 0.25, "float16": 0.05}
"""The largest difference of a token's log-probability that a dtype's rounding explains."""


class SharedUnits:
    """Units of work (an encoder input, a masked text), each computed once however many requests need it."""

    def __init__(self, needs: Mapping[int, Iterable[int]], lengths: Sequence[int]) -> None:
        """`needs`: the numbers of the units that each request needs; `lengths`: each unit's length in tokens."""
        self._lengths = lengths
        self._owners: list[list[int]] = [[] for _ in lengths]
        self._waiting: dict[int, int] = {}
        for request, units in needs.items():
            own = sorted(set(units))
            self._waiting[request] = len(own)
            for unit in own:
                self._owners[unit].append(request)

    def batches(self, budget: int, known: Collection[int], *, padded: bool = True) -> Iterator[list[int]]:
        """Batches of units within a budget of tokens, padding included, longest first; without `padded`, of units of one
        length only.

        Batches are formed from all units; those that only `known` requests need are then left out.
        """
        for batch in batches(self._lengths, budget):
            parts = [batch] if padded else [list(own) for _, own in groupby(batch, self._lengths.__getitem__)]
            for part in parts:
                if any(self.needed(unit, known) for unit in part):
                    yield part

    def needed(self, unit: int, known: Collection[int]) -> bool:
        """Whether a request that is not known needs the unit."""
        return any(owner not in known for owner in self._owners[unit])

    def complete(self, units: Sequence[int]) -> Iterator[int]:
        """Requests that are complete once these units are computed."""
        for unit in units:
            for owner in self._owners[unit]:
                self._waiting[owner] -= 1
                if not self._waiting[owner]:
                    yield owner
