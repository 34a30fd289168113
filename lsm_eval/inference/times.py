"""How long requests took, stored in eight bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Literal

Measured = Literal["request", "first_token", "sequence", "batch"]
"""What was timed. `request`: from sending a request to its complete answer, for the try that was answered. `first_token`: from
sending it to the first part with text. `sequence`: from when the model began to read a prompt to the last token of its
text, with other sequences in the batch. `batch`: a batch of requests that were computed together."""
Kind = str
"""The kind of a request: `score`, `perplexity` or `generate` (`requests.kind`)."""
Found = Mapping[tuple[Kind, Measured], Sequence[float]]
"""Seconds, by kind of request and what was timed, in the order in which they ended."""


class Times:
    """Seconds by kind of request and what was timed."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, Measured], array[float]] = {}

    def of(self, kind: Kind, measured: Measured) -> array[float]:
        """The seconds so far, as an array to append to."""
        return self._found.setdefault((kind, measured), array("d"))

    def found(self) -> Found:
        """All of them."""
        return dict(self._found)
