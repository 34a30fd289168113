"""Measures how long a model takes for a list of requests, and for each batch of them, as seen by the caller."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lsm_eval.models.base import Model
from lsm_eval.requests import Response

_APART = ("encode_seconds", "plan_seconds", "check_seconds")
"""Counts of work that is done once for all requests and belongs to none of them."""


class Stopwatch:
    """Times the answers to a list of requests of one kind."""

    def __init__(self, model: Model, kind: str) -> None:
        self._model, self._scores = model, kind != "generate"
        self.seconds = 0.0
        """From the first request to the last answer, without work that is done once for all of them."""
        self.batches: list[tuple[float, int]] = []
        """Seconds and requests of each batch. Only for a model that computes here and counts what it computes, and only if a batch is answered
        as a whole: most generated texts end one by one, and a server answers each request separately (`models.base.Timing`)."""
        self.here = False
        """Whether the model computes in this process and counts what it computes."""

    def over(self, answers: Iterator[dict[int, Response]]) -> Iterator[dict[int, Response]]:
        """The batches of `answers`, unchanged."""
        start = began = time.perf_counter()
        first = before = self._apart()
        together: bool | None = None
        for batch in answers:
            now = time.perf_counter()
            if together is None:  # by now the model knows its way of generating
                together = bool(before or self._apart()) and self._together()
            if (
                together
            ):  # to ask what belongs to no batch takes a moment, and texts that end one by one end often
                after = self._apart()
                if batch:
                    self.batches.append((max(now - began - _more(before, after), 0.0), len(batch)))
                before = after
            yield batch
            began = time.perf_counter()
        last = self._apart()
        self.here = bool(last)
        self.seconds = max(time.perf_counter() - start - _more(first, last), 0.0)

    def _together(self) -> bool:
        return self._scores or (self._model.info.details or {}).get("generation", "").startswith("plain")

    def _apart(self) -> tuple[float, ...]:
        counts = self._model.computed()
        return tuple(counts.get(name, 0.0) for name in _APART) if counts else ()


def _more(before: tuple[float, ...], after: tuple[float, ...]) -> float:
    return sum(after) - sum(before)
