"""How long requests took, in eight bytes each: taken where they are answered, and read when all are."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Literal

Measured = Literal["request", "first_token", "sequence", "batch"]
"""What was timed. `request`: from when a request was sent until its answer was whole, of the try that was answered. `first_token`:
from when it was sent until the first part with text. `sequence`: from when the model began to read a prompt until the
last token of its text, beside other sequences. `batch`: a batch of requests that were computed together."""
Kind = str
"""Of requests: `score`, `perplexity` or `generate` (`requests.kind`)."""
Found = Mapping[tuple[Kind, Measured], Sequence[float]]
"""Seconds, by kind of request and what was timed, in the order in which it ended."""


class Times:
    """Seconds by kind of request and what was timed."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, Measured], array[float]] = {}

    def of(self, kind: Kind, measured: Measured) -> array[float]:
        """Those so far, to be added to."""
        return self._found.setdefault((kind, measured), array("d"))

    def found(self) -> Found:
        """All of them."""
        return dict(self._found)
