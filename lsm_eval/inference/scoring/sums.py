"""Accumulates the scores of rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from lsm_eval.inference.scoring.plain import SequenceScore, TokenRow


class Sums:
    """Accumulates the scores of rows, and finds which requests are complete."""

    def __init__(
        self,
        rows: Mapping[int, Sequence[TokenRow]],
        flat: Sequence[TokenRow],
        owner: Sequence[int],
        known: Collection[int],
    ) -> None:
        self._rows, self._known = rows, known
        self._logprobs = np.zeros(len(flat))
        self._greedy = np.ones(len(flat), dtype=bool)
        self._owner = owner
        self._waiting = {request: sum(row.scored for row in own) for request, own in rows.items()}
        self._first: dict[int, int] = {}
        for number, request in enumerate(owner):
            self._first.setdefault(request, number)

    def add(
        self, rows: np.ndarray[Any, Any], logprobs: Sequence[float], hits: Sequence[bool]
    ) -> dict[int, list[SequenceScore]]:
        """Adds scored points. Returns the requests that they complete, with the scores of their rows."""
        np.add.at(self._logprobs, rows, logprobs)
        np.logical_and.at(self._greedy, rows, hits)
        done: dict[int, list[SequenceScore]] = {}
        for number in rows.tolist():
            request = self._owner[number]
            self._waiting[request] -= 1
            if not self._waiting[request] and request not in self._known:
                first = self._first[request]
                done[request] = [
                    SequenceScore(float(self._logprobs[at]), bool(self._greedy[at]))
                    for at in range(first, first + len(self._rows[request]))
                ]
        return done
